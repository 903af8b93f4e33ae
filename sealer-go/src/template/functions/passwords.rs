//! Functions that hash, derive and encrypt passwords.

use aes::Aes256;
use aes::cipher::block_padding::{NoPadding, Pkcs7};
use aes::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::RngExt as _;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::super::error::Fault;
use super::super::value::Kind;
use super::{Arguments, Function, Outcome, Runtime, SLOW};
use sealer_encoding::base64;

const TWO: &[Kind] = &[Kind::Text, Kind::Text];
const DERIVED: &[Kind] = &[Kind::Uint32, Kind::Text, Kind::Text, Kind::Text, Kind::Text];

pub(super) static FUNCTIONS: &[Function] = &[
    Function::slow("bcrypt", &[Kind::Text], |runtime, arguments| {
        let hash = bcrypt(runtime, arguments.bytes(0));
        runtime.text(hash)
    }),
    Function::slow("htpasswd", TWO, |runtime, arguments| {
        let name = arguments.bytes(0);
        if name.contains(&b':') {
            return runtime.text([b"invalid username: ", name].concat());
        }
        let hash = bcrypt(runtime, arguments.bytes(1));
        runtime.text([name, b":", hash.as_bytes()].concat())
    }),
    Function::slow("derivePassword", DERIVED, derive),
    Function::new("encryptAES", TWO, |runtime, arguments| {
        let plaintext = arguments.bytes(1);
        if plaintext.is_empty() {
            return runtime.text("");
        }
        let iv: [u8; BLOCK] = rand::rng().random();
        let cipher = cbc::Encryptor::<Aes256>::new(&key(arguments).into(), &iv.into());
        let sealed = [&iv[..], &cipher.encrypt_padded_vec::<Pkcs7>(plaintext)].concat();
        runtime.text(base64::encode(&sealed))
    })
    .copying(SLOW),
    Function::new("decryptAES", TWO, decrypt).copying(SLOW),
];

fn bcrypt(runtime: &mut Runtime<'_, '_>, password: &[u8]) -> String {
    if password.len() > LONGEST_PASSWORD {
        return format!(
            "failed to encrypt string with bcrypt: bcrypt: password length exceeds {LONGEST_PASSWORD} bytes"
        );
    }
    let salt: [u8; 16] = rand::rng().random();
    let hash = runtime.budget.off_the_clock(|| bcrypt::hash_with_salt(password, BCRYPT_COST, salt));
    match hash {
        Ok(hash) => hash.format_for_version(bcrypt::Version::TwoA),
        Err(error) => format!("failed to encrypt string with bcrypt: {error}"),
    }
}

/// The "Master Password" scheme: a key from the user's name and password, a seed from site and counter, letters from
/// the seed by a template.
fn derive(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let kind = arguments.bytes(1);
    let Some((_, templates)) = TEMPLATES.iter().find(|(name, _)| name.as_bytes() == kind) else {
        return runtime.text([b"cannot find password template ", kind].concat());
    };
    let (password, user, site) = (arguments.bytes(2), arguments.bytes(3), arguments.bytes(4));
    let parameters = scrypt::Params::new(15, 8, 2).map_err(|_| UNAVAILABLE)?;
    let mut key = Zeroizing::new([0_u8; 64]);
    let salt = [SEED, &length(user), user].concat();
    runtime
        .budget
        .off_the_clock(|| scrypt::scrypt(password, &salt, &parameters, key.as_mut_slice()))
        .map_err(|_| UNAVAILABLE)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_slice()).map_err(|_| UNAVAILABLE)?;
    let counter = u32::try_from(arguments.int(0)).unwrap_or_default();
    for part in [SEED, &length(site), site, &counter.to_be_bytes()] {
        mac.update(part);
    }
    let seed = mac.finalize().into_bytes();
    let mut numbers = seed.iter().map(|byte| usize::from(*byte));
    let template = numbers.next().and_then(|first| templates.get(first % templates.len())).copied().unwrap_or_default();
    let letter = |(class, number): (char, usize)| {
        let (_, letters) = LETTERS.iter().find(|(known, _)| *known == class)?;
        letters.as_bytes().get(number % letters.len()).copied()
    };
    runtime.text(template.chars().zip(numbers).filter_map(letter).collect::<Vec<u8>>())
}

fn length(text: &[u8]) -> [u8; 4] {
    u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// The first 32 bytes of the password, filled up with zeros.
fn key(arguments: Arguments<'_>) -> [u8; 32] {
    let mut key = [0; 32];
    key.iter_mut().zip(arguments.bytes(0)).for_each(|(to, from)| *to = *from);
    key
}

fn decrypt(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let text = arguments.bytes(1);
    if text.is_empty() {
        return runtime.text("");
    }
    let sealed = base64::decode(text).map_err(|error| Fault::new("no base64", error.to_string()))?;
    let Some((start, body)) = sealed.split_first_chunk::<BLOCK>() else {
        let go_text = format!(
            "runtime error: slice bounds out of range [:{BLOCK}] with capacity {}",
            sealed.len().div_ceil(3) * 3
        );
        return Err(Fault::new("shorter than one block", go_text));
    };
    let cipher = cbc::Decryptor::<Aes256>::new(&key(arguments).into(), start.into());
    let opened = cipher.decrypt_padded_vec::<NoPadding>(body);
    let mut opened = Zeroizing::new(opened.map_err(|_| Fault::plain("crypto/cipher: input not full blocks"))?);
    let Some(padding) = opened.last().copied().map(usize::from) else {
        return Err(Fault::new("nothing was encrypted", "runtime error: index out of range [-1]"));
    };
    let Some(end) = opened.len().checked_sub(padding) else {
        let beyond = padding - opened.len();
        return Err(Fault::new("wrong padding", format!("runtime error: slice bounds out of range [:-{beyond}]")));
    };
    opened.truncate(end);
    runtime.text(opened.as_slice())
}

const UNAVAILABLE: Fault = Fault::Limit("the key cannot be derived");
/// An AES block.
const BLOCK: usize = 16;
/// What Go's library and sprig use.
const BCRYPT_COST: u32 = 10;
const LONGEST_PASSWORD: usize = 72;
const SEED: &[u8] = b"com.lyndir.masterpassword";
const TEMPLATES: &[(&str, &[&str])] = &[
    ("maximum", &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]),
    (
        "long",
        &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
    ),
    ("medium", &["CvcnoCvc", "CvcCvcno"]),
    ("short", &["Cvcn"]),
    ("basic", &["aaanaaan", "aannaaan", "aaannaaa"]),
    ("pin", &["nnnn"]),
];
const LETTERS: &[(char, &str)] = &[
    ('V', "AEIOU"),
    ('C', "BCDFGHJKLMNPQRSTVWXYZ"),
    ('v', "aeiou"),
    ('c', "bcdfghjklmnpqrstvwxyz"),
    ('A', "AEIOUBCDFGHJKLMNPQRSTVWXYZ"),
    ('a', "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"),
    ('n', "0123456789"),
    ('o', "@&%?,=[]_:-+*$#!'^~;()/."),
    ('x', "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()"),
];
