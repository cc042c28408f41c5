"""STM32L031: its peripherals and how they are put together. Registers from RM0377."""
