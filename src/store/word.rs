//! Closed lists of words that are stored as text: one variant, one word, in one place.

/// A stored word is outside its closed list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no {list}")]
pub struct UnknownWord {
    /// What the list names.
    pub list: &'static str,
    /// The word that is not in it.
    pub word: String,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident ($list:literal) { $($(#[$says:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$says])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word, as it is stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::store::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
                    .ok_or_else(|| crate::store::UnknownWord { list: $list, word: word.to_owned() })
            }
        }
    };
}
pub(super) use words;
