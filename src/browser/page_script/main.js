// What the driver may ask.

globalThis.usher = { apply, expect, fieldIs, firstOf, gone, held: heldElement, holds, isEnabled, isThere, mask, noteSecret, read, ready, request, rows, text, unmask, verdict, verify };
