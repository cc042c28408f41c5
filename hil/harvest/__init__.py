"""A network on harvested power: a twin that runs when its capacitor is charged, and goes on where its power went."""
