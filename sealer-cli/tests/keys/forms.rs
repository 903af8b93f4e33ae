//! The forms in which a sealed value stands in files: whatever language escapes, packs or wraps it, its key stays in use.

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use sealer_core::Scope;
use sealer_encoding::base64;

use crate::{KEYS, Place};

/// A sealed value of the old key with `+` and `/` near its beginning, where an escape leaves no long piece of it.
fn raw() -> String {
    let early = |value: &str, letter| value.find(letter).is_some_and(|at| (4..30).contains(&at));
    std::iter::repeat_with(|| KEYS[1].raw(Scope::Strict, "shop", "db"))
        .find(|value| early(value, '+') && early(value, '/') && value.ends_with('='))
        .unwrap()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn manifest(value: &str) -> String {
    format!("kind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\nspec:\n  encryptedData:\n    a: {value}\n")
}

fn retire(folder: &str) -> String {
    format!("keys retire {} --in {folder} --namespace shop --name db --dry-run", KEYS[1].fingerprint())
}

/// Each as the only value of a folder, which needs the key for certain.
fn kept_in_use(files: &[(&str, Vec<u8>)]) {
    let [_, old, new] = &*KEYS;
    let place = Place::with_keys(&[old, new]);
    for (at, (file, bytes)) in files.iter().enumerate() {
        let folder = format!("tree{at}");
        place.file(&format!("{folder}/{file}"), "");
        fs::write(place.folder.path().join(&folder).join(file), bytes).unwrap();
        let said = place.run(&retire(&folder));
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]);
        assert_eq!((said.status, said.out.lines().count()), (Some(1), 1), "{file} {text}\n{}{}", said.out, said.err);
        assert!(said.out.ends_with(": needs the key\n"), "{file} {text}\n{}", said.out);
    }
}

#[test]
fn values_with_escapes_of_any_language_keep_their_key_in_use() {
    let raw = raw();
    let with = |plus: &str, slash: &str, equals: &str| {
        raw.replace('+', plus).replace('/', slash).replace('=', equals).into_bytes()
    };
    let json = |text: &str| serde_json::Value::from(text).to_string();
    kept_in_use(&[
        ("address.txt", [b"?a%3D".to_vec(), with("%2B", "%2f", "%3D")].concat()),
        ("address-twice.txt", with("%252B", "%252f", "%253D")),
        ("page.html", with("&#43;", "&#x2F;", "&equals;")),
        ("settings.yaml", [b"a: \"".to_vec(), with(r"\x2B", r"\x2f", "="), b"\"\n".to_vec()].concat()),
        ("long.yaml", [b"a: \"".to_vec(), with(r"\U0000002B", "/", "="), b"\"\n".to_vec()].concat()),
        ("shell.sh", [b"a=$'".to_vec(), with(r"\053", r"\57", "="), b"'\n".to_vec()].concat()),
        ("words.sh", [b"sed s/WORD/".to_vec(), with(r"\+", r"\/", r"\="), b"/\n".to_vec()].concat()),
        ("plain-words.sh", format!("sed s/WORD/{raw}/\n").into_bytes()),
        ("in-json.json", json(&json(&raw).replace('+', "\\u002b").replace('/', "\\/")).into_bytes()),
    ]);
}

/// The data of a Secret, a release of Helm, a chart that is packed, a dump.
#[test]
fn values_in_packed_texts_keep_their_key_in_use() {
    let raw = raw();
    let text = manifest(&raw);
    let in_data = |value: &str| format!("kind: Secret\nmetadata:\n  name: x\ndata:\n  a: {value}\n").into_bytes();
    let release = serde_json::json!({ "name": "x", "manifest": text }).to_string();
    let lines = |text: &str| {
        text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>().join("\n")
    };
    // As far as they matter here, files in an archive stand one behind the other.
    let archive = [b"chart/values.yaml\0\0\0".as_slice(), text.as_bytes(), &[0; 600]].concat();
    let wide: Vec<u8> = format!("a={raw}\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    kept_in_use(&[
        ("value.yaml", in_data(&base64::encode(&raw))),
        ("manifest.yaml", in_data(&base64::encode(&text))),
        ("twice.yaml", in_data(&base64::encode(base64::encode(&text)))),
        ("lines.txt", lines(&base64::encode(&text)).into_bytes()),
        ("lines.json", serde_json::json!({ "a": lines(&base64::encode(&text)) }).to_string().into_bytes()),
        ("packed.yaml", in_data(&base64::encode(packed(text.as_bytes())))),
        ("release.yaml", in_data(&base64::encode(base64::encode(packed(release.as_bytes()))))),
        ("chart-1.0.tgz", packed(&archive)),
        ("archive.tar", archive.clone()),
        ("packed-again.tgz.gz", packed(&packed(&archive))),
        ("wide.txt", wide),
    ]);
}

/// Names stand in packed texts, too, and need not be said.
#[test]
fn names_of_packed_texts_are_known() {
    let [_, old, new] = &*KEYS;
    let place = Place::with_keys(&[old, new]);
    let text = manifest(&new.raw(Scope::Strict, "shop", "db"));
    place.file("tree/secret.yaml", &format!("kind: Secret\ndata:\n  a: {}\n", base64::encode(&text)));
    place.file("tree/chart.tgz", "");
    fs::write(place.folder.path().join("tree/chart.tgz"), packed(text.as_bytes())).unwrap();
    place.must(&format!("keys retire {} --in tree --dry-run", old.fingerprint()));
}

/// What unpacks to more than is looked at proves nothing, and costs no more memory than that.
#[test]
fn what_unpacks_without_an_end_keeps_the_key_in_use() {
    let [_, old, new] = &*KEYS;
    let place = Place::with_keys(&[old, new]);
    let bomb = packed(&vec![b' '; (32 << 20) + 1]);
    place.file("tree/b.tgz", "");
    fs::write(place.folder.path().join("tree/b.tgz"), &bomb).unwrap();
    let said = place.run(&retire("tree"));
    let told = "has more packed into it than is looked at: may need the key";
    assert_eq!((said.status, said.out), (Some(1), format!("tree/b.tgz: {told}\n")));
}

/// A value is found wherever it stands in a file that is too large to be read at once, also where two parts of it meet.
#[test]
fn values_in_large_files_keep_their_key_in_use() {
    let raw = raw();
    let ahead = |bytes: usize| format!("{}\na={raw}\n", "x\n".repeat(bytes / 2));
    kept_in_use(&[
        ("end.txt", ahead(17 << 20).into_bytes()),
        ("meeting.txt", [ahead((16 << 20) - 400).into_bytes(), vec![b' '; 2 << 20]].concat()),
        ("dump.bin", [vec![0; 17 << 20], raw.clone().into_bytes()].concat()),
    ]);
}

/// Broken by an editor, an item opens nowhere; whoever mends it needs the key.
#[test]
fn item_that_is_no_sealed_value_may_need_a_key() {
    let [_, old, new] = &*KEYS;
    let (place, raw) = (Place::with_keys(&[old, new]), raw());
    let (ahead, rest) = raw.split_at(30);
    let written =
        [format!("{ahead} {rest}"), format!("{ahead}\n      {rest}"), format!("'\"{raw}\"'"), base64::encode(&raw)];
    for (at, written) in written.iter().enumerate() {
        place.file(&format!("tree{at}/a.yaml"), &manifest(written));
        let said = place.run(&retire(&format!("tree{at}")));
        let item = format!("tree{at}/a.yaml: document 1, shop/db, item a: may need the key; ");
        assert!(said.status == Some(1) && said.out.contains(&item), "{written}\n{}{}", said.out, said.err);
    }
}

/// What is not here is not proven: submodules, files of Git LFS, and what a command that was killed left behind is looked at.
#[test]
fn what_a_checkout_lacks_keeps_the_key_in_use() {
    let [_, old, new] = &*KEYS;
    let place = Place::with_keys(&[old, new]);
    place.file("tree/.gitmodules", "[submodule \"a\"]\n\tpath = deps/a\n\turl = x\n[submodule \"b\"]\n\tpath=deps/b\n");
    place.file("tree/deps/b/x", "");
    place.file("tree/values.yaml", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    place.file("tree/.x.yaml.sealer-new", &raw());
    let said = place.run(&retire("tree"));
    let told = "tree/.x.yaml.sealer-new: line 1: needs the key\n\
         tree/deps/a: is a submodule of Git that is not checked out; git submodule update --init: may need the key\n\
         tree/values.yaml: stands for a file in Git LFS that is not here; git lfs pull: may need the key\n";
    assert_eq!((said.status, said.out.as_str()), (Some(1), told));
    let said = place.run(&format!(
        "keys retire {} --in tree --exclude deps --exclude values.yaml --exclude *.sealer-new --dry-run",
        old.fingerprint()
    ));
    assert_eq!(said.status, Some(0), "{}", said.out);
}

/// A link into another folder that was named leads to what is looked at there.
#[test]
fn a_link_between_folders_that_were_named_hides_nothing() {
    let [_, old, new] = &*KEYS;
    let place = Place::with_keys(&[old, new]);
    place.file("one/new.json", &new.sealed("x", &["one"]).to_string());
    place.file("two/new.json", &new.sealed("y", &["one"]).to_string());
    std::os::unix::fs::symlink("../two", place.folder.path().join("one/link")).unwrap();
    place.must(&format!("keys retire {} --in one --in two --dry-run", old.fingerprint()));
    assert_eq!(place.run(&format!("keys retire {} --in one --dry-run", old.fingerprint())).status, Some(1));
}
