// What the driver may ask.

globalThis.usher = { apply, expect, fieldIs, firstOf, gone, isEnabled, isThere, mask, noteSecret, read, ready, rows, text, unmask, verdict, verify };
