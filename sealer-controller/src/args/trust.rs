//! Which keys are sealed with, by `--trust-new-keys`.

use crate::error::ArgsError;

/// What is sealed with besides the keys that controllers of this program made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrustNewKeys {
    Never,
    /// Keys whose Secret names their fingerprint in an annotation.
    Annotated,
    /// Every key with the label, as Bitnami's controller does.
    Always,
}

impl TrustNewKeys {
    /// Reads the flag's value.
    pub(crate) fn read(text: &str) -> Result<Self, ArgsError> {
        match text {
            "never" => Ok(Self::Never),
            "annotated" => Ok(Self::Annotated),
            "always" => Ok(Self::Always),
            other => {
                let expected = "`always`, `annotated` or `never`";
                Err(ArgsError::Invalid { flag: "trust-new-keys", value: other.to_owned(), expected })
            }
        }
    }

    /// Whether keys of others are held back, so that what was made here has to be remembered.
    pub(crate) fn is_strict(self) -> bool {
        self != Self::Always
    }

    /// Whether a key seals.
    pub(crate) fn trusts(self, is_made_here: bool, is_annotated: bool) -> bool {
        match self {
            Self::Never => is_made_here,
            Self::Annotated => is_made_here || is_annotated,
            Self::Always => true,
        }
    }
}
