//! The wire format: what the bytes of a sealed value mean, without any cryptography (docs/format.md).

use crate::error::EnvelopeError;
use sealer_encoding::base64;

/// A sealed value taken apart: the wrapped session key and what it encrypts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedValue {
    wrapped_key: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl SealedValue {
    pub(crate) fn new(wrapped_key: Vec<u8>, ciphertext: Vec<u8>) -> Self {
        Self { wrapped_key, ciphertext }
    }

    /// Reads the binary form: a two-byte big-endian length, the wrapped key, the ciphertext.
    ///
    /// # Errors
    /// Fewer bytes than the length field announces.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let (length, rest) = bytes.split_first_chunk::<LENGTH_FIELD>().ok_or(EnvelopeError::TooShort)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (wrapped_key, ciphertext) = rest.split_at_checked(length).ok_or(EnvelopeError::TooShort)?;
        Ok(Self::new(wrapped_key.to_vec(), ciphertext.to_vec()))
    }

    /// Writes the binary form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let length = u16::try_from(self.wrapped_key.len()).unwrap_or(u16::MAX);
        let mut bytes = Vec::with_capacity(LENGTH_FIELD + self.wrapped_key.len() + self.ciphertext.len());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&self.wrapped_key);
        bytes.extend_from_slice(&self.ciphertext);
        bytes
    }

    /// Reads the text form that stands in `spec.encryptedData`.
    ///
    /// # Errors
    /// Text that is no base64, or too short.
    pub fn from_base64(text: &str) -> Result<Self, EnvelopeError> {
        Self::from_bytes(&base64::decode(text)?)
    }

    /// Writes the text form: padded standard base64 on one line.
    pub fn to_base64(&self) -> String {
        base64::encode(self.to_bytes())
    }

    /// The RSA-OAEP ciphertext of the session key.
    pub fn wrapped_key(&self) -> &[u8] {
        &self.wrapped_key
    }

    /// The AES-256-GCM ciphertext followed by its 16-byte tag.
    pub fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }
}

const LENGTH_FIELD: usize = 2;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[test]
    fn every_length_field_must_be_covered() {
        assert_eq!(SealedValue::from_bytes(&[]), Err(EnvelopeError::TooShort));
        assert_eq!(SealedValue::from_bytes(&[0]), Err(EnvelopeError::TooShort));
        assert_eq!(SealedValue::from_bytes(&[0, 2, 1]), Err(EnvelopeError::TooShort));
        assert_eq!(SealedValue::from_bytes(&[0, 2, 1, 2, 3]), Ok(SealedValue::new(vec![1, 2], vec![3])));
    }

    #[test]
    fn a_value_has_one_binary_and_one_text_form() {
        let value = SealedValue::new(vec![1; 258], vec![7, 8]);
        let bytes = [&[1, 2][..], &[1; 258], &[7, 8]].concat();
        assert_eq!(value.to_bytes(), bytes);
        assert_eq!(SealedValue::from_bytes(&bytes), Ok(value.clone()));
        assert_eq!((value.wrapped_key(), value.ciphertext()), (&[1; 258][..], &[7, 8][..]));
        assert_eq!(SealedValue::new(vec![1], vec![2, 3]).to_base64(), "AAEBAgM=");
        assert_eq!(SealedValue::from_base64("AAEB\nAgM=\n"), Ok(SealedValue::new(vec![1], vec![2, 3])));
        assert_eq!(SealedValue::from_base64("AAAA"), Ok(SealedValue::new(Vec::new(), vec![0])));
        assert!(matches!(SealedValue::from_base64("*"), Err(EnvelopeError::Base64(error)) if error.offset == 0));
        // A key that no length field can announce is not written as another one.
        assert!(
            SealedValue::from_bytes(&SealedValue::new(vec![1; 65_536], Vec::new()).to_bytes())
                .unwrap()
                .wrapped_key()
                .len()
                == 65_535
        );
    }
}
