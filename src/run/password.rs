//! Initial passwords that nobody knows, for apps that make no account without one.
//!
//! Sixteen characters are drawn from all of the alphabet, about 97 bits; one of each class follows, for apps that ask for
//! it. Letters and digits that look alike are in: nobody is to read it.

use crate::id::Entropy;
use crate::secret::SecretString;

const CLASSES: [&[u8]; 4] =
    [b"abcdefghijklmnopqrstuvwxyz", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"0123456789", b"-_.!"];

/// How many characters are drawn from all classes together.
const DRAWN: usize = 16;

/// A new password of 20 characters: letters of both cases, digits and signs, at least one of each.
pub(super) fn random_password(entropy: &dyn Entropy) -> SecretString {
    let all = CLASSES.concat();
    let mut text = String::with_capacity(DRAWN + CLASSES.len());
    (0..DRAWN).for_each(|_| text.push(one_of(&all, entropy)));
    CLASSES.iter().for_each(|class| text.push(one_of(class, entropy)));
    SecretString::from(text)
}

/// One of `characters`, each as likely as the others: a byte beyond their last whole round is drawn again.
fn one_of(characters: &[u8], entropy: &dyn Entropy) -> char {
    let rounds = 256 / characters.len() * characters.len();
    let mut byte = [0];
    loop {
        entropy.fill(&mut byte);
        let [drawn] = byte;
        let drawn = usize::from(drawn);
        if let Some(character) = characters.get(drawn % characters.len()).filter(|_| drawn < rounds) {
            return char::from(*character);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::id::SeededEntropy;
    use crate::secret::ExposeSecret;

    #[test]
    fn passwords_are_long_mixed_and_never_the_same() {
        let entropy = SeededEntropy::new(1);
        let passwords: BTreeSet<String> =
            (0..200).map(|_| random_password(entropy.as_ref()).expose_secret().to_owned()).collect();
        assert_eq!(passwords.len(), 200);
        for password in &passwords {
            assert_eq!(password.len(), 20);
            for class in CLASSES {
                assert!(password.bytes().any(|byte| class.contains(&byte)), "{password}");
            }
        }
        let used: BTreeSet<char> = passwords.iter().flat_map(|password| password.chars()).collect();
        assert_eq!(used.len(), CLASSES.concat().len(), "every character comes up");
    }
}
