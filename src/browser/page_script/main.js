// What the driver may ask.

globalThis.usher = { appears, apply, expect, fieldIs, firstOf, frame: frameElement, giveFile, gone, held: heldElement, holds, isEnabled, isThere,
  looks, madeFile, mask, noteSecret, pageAlone, read, ready, request, rows, shownSecrets, text, through, unmask, verdict, verify, watched };
