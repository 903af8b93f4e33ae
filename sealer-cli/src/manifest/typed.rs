//! From what a document holds to the fields of a known object: checked, cleaned, and in Go's words if it is wrong.

use std::collections::BTreeMap;

use sealer_encoding::base64;
use zeroize::Zeroizing;

use super::node::{Node, whole};
use super::schema::{Field, Kept, Struct, Type};
use super::time;
use crate::names;

/// How strictly fields are taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Bare numbers and words stand for text where text is wanted.
    pub(crate) coerces: bool,
    /// Fields are found in other letters' case, too.
    pub(crate) any_case: bool,
    /// The document was YAML, where `1e3` is a whole number.
    pub(crate) yaml: bool,
}

/// What a document says in the wrong type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypeMismatch {
    /// Go's error. Names the field and the types, never a value that may be secret.
    pub(crate) message: String,
    /// The field as a manifest has it: `data.password`.
    pub(crate) place: String,
    /// What it must be, in plain words.
    pub(crate) wanted: &'static str,
}

impl TypeMismatch {
    /// What to change in which document.
    pub(crate) fn hint(&self, document: usize) -> String {
        let Self { place, wanted, .. } = self;
        match place.as_str() {
            "" => format!("document {document} must be {wanted}"),
            "data" | "stringData" => {
                let value = if place == "data" { "aHVudGVyMg==" } else { "hunter2" };
                format!("{place} of document {document} must be {wanted}: `{place}: {{password: {value}}}`")
            }
            _ => format!("{place} of document {document} must be {wanted}"),
        }
    }
}

/// Takes the known fields of a document; unknown ones are dropped. No map of the result has a name twice.
pub(crate) fn typed(node: &Node, type_: &Type, rules: Rules) -> Result<Node, TypeMismatch> {
    let mut reader = Reader { rules, owner: "", path: Vec::new(), item: None, first_wrong: None };
    let object = reader.read(node, type_, Node::Null)?;
    reader.first_wrong.map_or(Ok(object), Err)
}

struct Reader {
    rules: Rules,
    /// Go's name of the object whose field is read.
    owner: &'static str,
    path: Vec<&'static str>,
    /// The entry of a map that is read.
    item: Option<String>,
    /// Go goes on behind a wrong type and reports the first one.
    first_wrong: Option<TypeMismatch>,
}

impl Reader {
    /// Reads a value over what an earlier field of the same name left.
    fn read(&mut self, node: &Node, type_: &Type, old: Node) -> Result<Node, TypeMismatch> {
        match (type_, node) {
            (Type::Items, node) => Ok(items(node)),
            (Type::Raw, node) => Ok(node.clone()),
            (Type::Struct(_) | Type::Text(_), Node::Null) => Ok(old),
            (_, Node::Null) => Ok(Node::Null),
            (Type::Text(_), Node::Text(_)) | (Type::Bool, Node::Bool(_)) | (Type::Int, Node::Int(_)) => {
                Ok(node.clone())
            }
            (Type::Text(_), node) => Ok(self.coerced(node, type_)),
            (Type::Int, node) => Ok(self.int(node)),
            (Type::Bytes, Node::Text(text)) => Ok(self.bytes(text)),
            (Type::Bytes, Node::List(items)) => Ok(self.byte_list(items)),
            (Type::Time, Node::Text(text)) => match time::normal(text) {
                Ok(text) => Ok(Node::text(text)),
                Err(message) => Err(self.fault(message, type_)),
            },
            (Type::Time, node) => Err(self.mismatch(node.type_word(), type_)),
            (Type::List(inner, _), Node::List(items)) => self.list(items, inner),
            (Type::Map(inner, _), Node::Map(fields)) => self.map(fields, inner, old),
            (Type::Struct(known), Node::Map(fields)) => self.fields(fields, known, old),
            (type_, node) => {
                let wrong = self.mismatch(node.type_word(), type_);
                Ok(self.wrong(wrong))
            }
        }
    }

    fn coerced(&mut self, node: &Node, type_: &Type) -> Node {
        match node.scalar_text().filter(|_| self.rules.coerces) {
            Some(text) => Node::text(text),
            None => {
                let mut wrong = self.mismatch(node.type_word(), type_);
                if matches!(node, Node::Map(_) | Node::List(_)) && self.item.is_some() {
                    wrong.wanted = LINES_AS_TEXT;
                }
                self.wrong(wrong)
            }
        }
    }

    fn int(&mut self, node: &Node) -> Node {
        let found = match node {
            Node::Float(value) if self.rules.yaml && whole(*value).is_some() => {
                return whole(*value).map_or(Node::Null, Node::Int);
            }
            Node::Float(_) | Node::Uint(_) => format!("number {}", node.scalar_text().unwrap_or_default()),
            node => node.type_word().to_owned(),
        };
        let wrong = self.mismatch(&found, &Type::Int);
        self.wrong(wrong)
    }

    fn bytes(&mut self, text: &str) -> Node {
        match base64::decode(text) {
            Ok(bytes) => Node::Bytes(Zeroizing::new(bytes)),
            Err(error) => {
                let wrong = self.fault(error.to_string(), &Type::Bytes);
                self.wrong(wrong)
            }
        }
    }

    /// Go takes a list of numbers for bytes, too.
    fn byte_list(&mut self, items: &[Node]) -> Node {
        let mut bytes = Zeroizing::new(Vec::new());
        for item in items {
            match item {
                Node::Int(number) if u8::try_from(*number).is_ok() => bytes.extend(u8::try_from(*number)),
                Node::Null => bytes.push(0),
                item => {
                    // Go would name the number, which is part of a value.
                    let wrong = self.mismatch(item.type_word(), &Type::Bytes);
                    return self.wrong(wrong);
                }
            }
        }
        Node::Bytes(bytes)
    }

    fn list(&mut self, items: &[Node], inner: &Type) -> Result<Node, TypeMismatch> {
        let item = |node| Ok(or_zero(self.read(node, inner, Node::Null)?, inner));
        items.iter().map(item).collect::<Result<_, _>>().map(Node::List)
    }

    fn map(&mut self, fields: &[(String, Node)], inner: &Type, old: Node) -> Result<Node, TypeMismatch> {
        let old = if let Node::Map(entries) = old { entries } else { Vec::new() };
        let mut entries: BTreeMap<String, Node> = old.into_iter().collect();
        for (key, node) in fields {
            self.item = Some(key.clone());
            entries.insert(key.clone(), or_zero(self.read(node, inner, Node::Null)?, inner));
        }
        self.item = None;
        Ok(Node::Map(entries.into_iter().collect()))
    }

    fn fields(&mut self, fields: &[(String, Node)], known: &'static Struct, old: Node) -> Result<Node, TypeMismatch> {
        let mut values = if let Node::Map(values) = old { values } else { Vec::new() };
        let outer = std::mem::replace(&mut self.owner, known.name);
        for (key, node) in fields {
            let Some(field) = self.find(known, key) else { continue };
            let at = values.iter().position(|(name, _)| name == field.name);
            let old = at.map_or(Node::Null, |at| values.swap_remove(at).1);
            values.push((field.name.to_owned(), self.field(node, field, old)?));
        }
        self.owner = outer;
        Ok(Node::Map(kept(values, known)))
    }

    fn field(&mut self, node: &Node, field: &Field, old: Node) -> Result<Node, TypeMismatch> {
        let (depth, rules) = (self.path.len(), self.rules);
        if field.kept == Kept::TypeMeta {
            self.rules.coerces = false;
            self.path.push("TypeMeta");
        }
        self.path.push(field.name);
        let value = self.read(node, field.type_, old);
        self.path.truncate(depth);
        self.rules = rules;
        value
    }

    fn find(&self, known: &'static Struct, key: &str) -> Option<&'static Field> {
        let any_case = |field: &&Field| self.rules.any_case && field.name.eq_ignore_ascii_case(key);
        known.fields.iter().find(|field| field.name == key).or_else(|| known.fields.iter().find(any_case))
    }

    fn wrong(&mut self, wrong: TypeMismatch) -> Node {
        self.first_wrong.get_or_insert(wrong);
        Node::Null
    }

    fn mismatch(&self, found: &str, type_: &Type) -> TypeMismatch {
        let place = match self.path.as_slice() {
            [] => "value".to_owned(),
            path => format!("struct field {}.{}", self.owner, path.join(".")),
        };
        self.fault(format!("json: cannot unmarshal {found} into Go {place} of type {}", go_name(type_)), type_)
    }

    fn fault(&self, message: String, type_: &Type) -> TypeMismatch {
        let fields = self.path.iter().filter(|field| **field != "TypeMeta").copied();
        let item = self.item.as_deref().map(names::name);
        let place: Vec<&str> = fields.chain(item.as_deref()).collect();
        TypeMismatch { message, place: place.join("."), wanted: plain_name(type_) }
    }
}

/// The fields in their own order, without those that Go leaves out.
fn kept(mut values: Vec<(String, Node)>, known: &Struct) -> Vec<(String, Node)> {
    let mut take = |field: &Field| {
        let at = values.iter().position(|(name, _)| name == field.name);
        let value = at.map_or(Node::Null, |at| values.swap_remove(at).1);
        let keep = match field.kept {
            Kept::Full | Kept::TypeMeta => !is_empty(&value),
            Kept::Set => !matches!(value, Node::Null),
            Kept::Always => true,
        };
        keep.then(|| (field.name.to_owned(), or_zero(value, field.type_)))
    };
    known.fields.iter().filter_map(&mut take).collect()
}

fn is_empty(value: &Node) -> bool {
    match value {
        Node::Null | Node::Int(0) => true,
        Node::Text(text) => text.is_empty(),
        Node::Bytes(_) => false,
        Node::List(items) => items.is_empty(),
        Node::Map(fields) => fields.is_empty(),
        _ => false,
    }
}

/// What Go has where nothing was set.
fn or_zero(value: Node, type_: &Type) -> Node {
    match (value, type_) {
        (Node::Null, Type::Text(_)) => Node::text(""),
        (Node::Null, Type::Bytes) => Node::Bytes(Zeroizing::default()),
        (Node::Null, Type::Items) => Node::Map(Vec::new()),
        (Node::Null, Type::Struct(known)) => Node::Map(kept(Vec::new(), known)),
        (value, _) => value,
    }
}

/// Sealed values as the API type reads them: what is no text is an empty one, which never opens.
fn items(node: &Node) -> Node {
    let Node::Map(fields) = node else { return Node::Map(Vec::new()) };
    let text = |value: &Node| Node::text(value.as_text().unwrap_or_default());
    let items: BTreeMap<String, Node> = fields.iter().map(|(item, value)| (item.clone(), text(value))).collect();
    Node::Map(items.into_iter().collect())
}

/// What lines below a name have to be that are meant as one text.
const LINES_AS_TEXT: &str = "text; in YAML, lines that are one text stand below `name: |`";

fn go_name(type_: &Type) -> &'static str {
    match type_ {
        Type::Text(name) | Type::List(_, name) | Type::Map(_, name) => name,
        Type::Bool => "bool",
        Type::Int => "int64",
        Type::Bytes => "[]uint8",
        Type::Time => "string",
        Type::Struct(known) => known.full_name,
        Type::Raw | Type::Items => "object",
    }
}

fn plain_name(type_: &Type) -> &'static str {
    match type_ {
        Type::Text(_) => "text; put a value that is meant as text in quotes",
        Type::Bool => "true or false",
        Type::Int => "a whole number",
        Type::Bytes => "base64; put plain text under stringData",
        Type::Time => "a time such as 2006-01-02T15:04:05Z",
        Type::List(..) => "a list",
        Type::Map(..) => "a map of names to values",
        Type::Struct(_) | Type::Raw | Type::Items => "an object",
    }
}
