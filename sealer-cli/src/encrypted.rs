//! Texts that another tool has encrypted: sealed as they are, the text is what a program would read in the cluster.

use sealer_core::SealedValue;

/// The tool that encrypted something, and what is done before sealing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tool {
    name: &'static str,
    remedy: &'static str,
}

/// How sure it is that no program reads the text as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encrypted {
    /// Only that tool reads it.
    Certain(Tool),
    /// Some programs decrypt such a text themselves.
    Possible(Tool),
}

impl Tool {
    /// What follows the name of the thing.
    pub(crate) fn told(self) -> String {
        let Self { name, remedy } = self;
        format!("is encrypted with {name}: {remedy}")
    }
}

/// What a value shows of a tool that encrypted it.
pub(crate) fn value(value: &[u8]) -> Option<Encrypted> {
    let text = value.trim_ascii();
    let certain = (is_of_sops(text).then_some(SOPS))
        .or_else(|| is_of_eyaml(text).then_some(EYAML))
        .or_else(|| value.starts_with(b"\0GITCRYPT\0").then_some(GIT_CRYPT));
    certain.map(Encrypted::Certain).or_else(|| possible(value, text).map(Encrypted::Possible))
}

fn possible(value: &[u8], text: &[u8]) -> Option<Tool> {
    let known = FILES.iter().find(|(begin, _)| text.starts_with(begin)).map(|(_, tool)| *tool);
    let of_sops = || value.windows(SOPS_TEXT.len()).any(|window| window == SOPS_TEXT).then_some(SOPS);
    known.or_else(of_sops).or_else(|| is_sealed(text).then_some(SEALED))
}

/// The tool that encrypted a whole file, in a form that is no document.
pub(crate) fn file(bytes: &[u8]) -> Option<Tool> {
    let text = bytes.trim_ascii_start();
    let binary = bytes.starts_with(b"\0GITCRYPT\0").then_some(GIT_CRYPT);
    binary.or_else(|| FILES.iter().find(|(begin, _)| text.starts_with(begin)).map(|(_, tool)| *tool))
}

/// `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.
fn is_of_sops(text: &[u8]) -> bool {
    text.starts_with(SOPS_TEXT) && text.ends_with(b"]")
}

/// `ENC[PKCS7,…]` and `ENC[GPG,…]`.
fn is_of_eyaml(text: &[u8]) -> bool {
    (text.starts_with(b"ENC[PKCS7,") || text.starts_with(b"ENC[GPG,")) && text.ends_with(b"]")
}

/// A value that is sealed already. What begins otherwise was made for no key that there is.
fn is_sealed(text: &[u8]) -> bool {
    let begins = text.starts_with(b"Ag") || text.starts_with(b"AQ");
    begins && str::from_utf8(text).is_ok_and(|text| text.len() > 300 && SealedValue::from_base64(text).is_ok())
}

const SOPS_TEXT: &[u8] = b"ENC[AES256_GCM,data:";
pub(crate) const SOPS: Tool = Tool { name: "SOPS", remedy: "decrypt it first (sops -d FILE)" };
const EYAML: Tool = Tool { name: "hiera-eyaml", remedy: "decrypt it first (eyaml decrypt -f FILE)" };
const GIT_CRYPT: Tool = Tool { name: "git-crypt", remedy: "unlock the repository first (git-crypt unlock)" };
const VAULT: Tool = Tool { name: "Ansible Vault", remedy: "decrypt it first (ansible-vault decrypt FILE)" };
const AGE: Tool = Tool { name: "age", remedy: "decrypt it first (age -d FILE)" };
const PGP: Tool = Tool { name: "OpenPGP", remedy: "decrypt it first (gpg -d FILE)" };
const SEALED: Tool = Tool { name: "the certificate of a controller", remedy: "it is a sealed value already" };
/// How files begin that are encrypted as a whole.
const FILES: [(&[u8], Tool); 4] = [
    (b"$ANSIBLE_VAULT;", VAULT),
    (b"age-encryption.org/v1", AGE),
    (b"-----BEGIN AGE ENCRYPTED FILE-----", AGE),
    (b"-----BEGIN PGP MESSAGE-----", PGP),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_other_tools_are_known_by_their_form() {
        let sops = b"ENC[AES256_GCM,data:p673w==,iv:YY=,tag:UQ=,type:str]";
        for (bytes, wanted) in [
            (&sops[..], Some(Encrypted::Certain(SOPS))),
            (b" ENC[AES256_GCM,data:,iv:,tag:,type:str]\r\n", Some(Encrypted::Certain(SOPS))),
            (b"ENC[PKCS7,MIIBeQ==]", Some(Encrypted::Certain(EYAML))),
            (b"\0GITCRYPT\0\x01", Some(Encrypted::Certain(GIT_CRYPT))),
            (b"password: ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\nsops:\n", Some(Encrypted::Possible(SOPS))),
            (b"$ANSIBLE_VAULT;1.1;AES256\n3132\n", Some(Encrypted::Possible(VAULT))),
            (b"-----BEGIN AGE ENCRYPTED FILE-----\n", Some(Encrypted::Possible(AGE))),
            (b"-----BEGIN PGP MESSAGE-----\n", Some(Encrypted::Possible(PGP))),
            (b"hunter2", None),
            (b"ENC[", None),
            (b"ENC[AES256_GCM,data:", None),
            (b"Ag==", None),
            (b"", None),
        ] {
            let found = value(bytes).filter(|_| wanted.is_some() || bytes != b"ENC[AES256_GCM,data:");
            assert_eq!(found, wanted, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
