// What the driver may ask.

globalThis.usher = { appears, apply, expect, fieldIs, firstOf, frame: frameElement, gone, held: heldElement, holds, isEnabled, isThere,
  looks, mask, noteSecret, read, ready, request, rows, text, through, unmask, verdict, verify, watched };
