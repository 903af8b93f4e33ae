//! Whether bytes that nothing here opens look like those of a sealed value.

use sealer_core::SealedValue;

use super::COMMON_KEYS;

/// Whether a value that did not open is one all the same: what RSA makes has no structure, and keys have common sizes.
pub(crate) fn is_likely(sealed: &SealedValue) -> bool {
    has_no_structure(sealed) && sealed.wrapped_key().len().is_multiple_of(KEY_STEP)
}

/// Whether its key has a size in which they are made: what only begins like a sealed value is none by chance, then.
pub(crate) fn is_of_common_size(sealed: &SealedValue) -> bool {
    COMMON_KEYS.iter().any(|size| usize::from(*size) == sealed.wrapped_key().len())
}

/// Whether its first bytes look like those that RSA makes, of which hardly one is zero.
pub(crate) fn has_no_structure(sealed: &SealedValue) -> bool {
    sealed.wrapped_key().iter().take(HEAD).filter(|byte| **byte == 0).count() < MOST_ZEROS
}

/// Bytes of a wrapped key that are looked at. Five zeros among so many random bytes come once in twenty million; what Windows
/// protects (DPAPI) begins like the value of a key of 2048 bits, and has six.
const HEAD: usize = 24;
const MOST_ZEROS: usize = 5;
/// Keys are made in sizes of multiples of 128 bits, in bytes.
const KEY_STEP: usize = 16;
