"""What is plugged in: debug probes and the serial ports that belong to them, read from listings; nothing is opened."""
