//! Which fields Secrets and SealedSecrets have, in which types, and what Go calls those.

/// The type of a field.
#[derive(Debug)]
pub(crate) enum Type {
    /// A text; Go's name of the type.
    Text(&'static str),
    Bool,
    Int,
    /// Base64.
    Bytes,
    Time,
    /// Whatever it is.
    Raw,
    /// Sealed values: what is no text is empty.
    Items,
    List(&'static Self, &'static str),
    Map(&'static Self, &'static str),
    Struct(&'static Struct),
}

/// An object with known fields.
#[derive(Debug)]
pub(crate) struct Struct {
    /// Go's name of it, without the package.
    pub(crate) name: &'static str,
    /// Go's name of it, with the package.
    pub(crate) full_name: &'static str,
    pub(crate) fields: &'static [Field],
}

/// One field of an object.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) type_: &'static Type,
    pub(crate) kept: Kept,
}

/// When a field is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// If it is not empty.
    Full,
    /// If it is there, though it be `false` or 0.
    Set,
    /// Always.
    Always,
    /// As [`Kept::Full`], and numbers never stand for text: kind and apiVersion.
    TypeMeta,
}

const fn field(name: &'static str, type_: &'static Type, kept: Kept) -> Field {
    Field { name, type_, kept }
}

const TEXT: Type = Type::Text("string");
const TEXTS: Type = Type::Map(&TEXT, "map[string]string");
const KIND: Field = field("kind", &TEXT, Kept::TypeMeta);
const API_VERSION: Field = field("apiVersion", &TEXT, Kept::TypeMeta);

/// The metadata of every object.
pub(crate) static METADATA: Type = Type::Struct(&Struct {
    name: "ObjectMeta",
    full_name: "v1.ObjectMeta",
    fields: &[
        field("name", &TEXT, Kept::Full),
        field("generateName", &TEXT, Kept::Full),
        field("namespace", &TEXT, Kept::Full),
        field("selfLink", &TEXT, Kept::Full),
        field("uid", &Type::Text("types.UID"), Kept::Full),
        field("resourceVersion", &TEXT, Kept::Full),
        field("generation", &Type::Int, Kept::Full),
        field("creationTimestamp", &Type::Time, Kept::Full),
        field("deletionTimestamp", &Type::Time, Kept::Full),
        field("deletionGracePeriodSeconds", &Type::Int, Kept::Set),
        field("labels", &TEXTS, Kept::Full),
        field("annotations", &TEXTS, Kept::Full),
        field("ownerReferences", &Type::List(&OWNER, "[]v1.OwnerReference"), Kept::Full),
        field("finalizers", &Type::List(&TEXT, "[]string"), Kept::Full),
        field("managedFields", &Type::List(&MANAGED_FIELDS, "[]v1.ManagedFieldsEntry"), Kept::Full),
    ],
});

static OWNER: Type = Type::Struct(&Struct {
    name: "OwnerReference",
    full_name: "v1.OwnerReference",
    fields: &[
        field("apiVersion", &TEXT, Kept::Always),
        field("kind", &TEXT, Kept::Always),
        field("name", &TEXT, Kept::Always),
        field("uid", &Type::Text("types.UID"), Kept::Always),
        field("controller", &Type::Bool, Kept::Set),
        field("blockOwnerDeletion", &Type::Bool, Kept::Set),
    ],
});

static MANAGED_FIELDS: Type = Type::Struct(&Struct {
    name: "ManagedFieldsEntry",
    full_name: "v1.ManagedFieldsEntry",
    fields: &[
        field("manager", &TEXT, Kept::Full),
        field("operation", &Type::Text("v1.ManagedFieldsOperationType"), Kept::Full),
        field("apiVersion", &TEXT, Kept::Full),
        field("time", &Type::Time, Kept::Full),
        field("fieldsType", &TEXT, Kept::Full),
        field("fieldsV1", &Type::Raw, Kept::Set),
        field("subresource", &TEXT, Kept::Full),
    ],
});

/// A Secret.
pub(crate) static SECRET: Type = Type::Struct(&Struct {
    name: "Secret",
    full_name: "v1.Secret",
    fields: &[
        KIND,
        API_VERSION,
        field("metadata", &METADATA, Kept::Always),
        field("immutable", &Type::Bool, Kept::Set),
        field("data", &Type::Map(&Type::Bytes, "map[string][]uint8"), Kept::Full),
        field("stringData", &TEXTS, Kept::Full),
        field("type", &Type::Text("v1.SecretType"), Kept::Full),
    ],
});

/// A List of objects, whose own fields are looked at and not read.
pub(crate) static LIST: Type = Type::Struct(&Struct {
    name: "List",
    full_name: "v1.List",
    fields: &[
        KIND,
        API_VERSION,
        field("metadata", &LIST_METADATA, Kept::Always),
        field("items", &Type::List(&Type::Raw, "[]runtime.RawExtension"), Kept::Full),
    ],
});

/// The metadata of a List.
pub(crate) static LIST_METADATA: Type = Type::Struct(&Struct {
    name: "ListMeta",
    full_name: "v1.ListMeta",
    fields: &[
        field("selfLink", &TEXT, Kept::Full),
        field("resourceVersion", &TEXT, Kept::Full),
        field("continue", &TEXT, Kept::Full),
        field("remainingItemCount", &Type::Int, Kept::Set),
    ],
});

/// A SealedSecret.
pub(crate) static SEALED_SECRET: Type = Type::Struct(&Struct {
    name: "SealedSecret",
    full_name: "v1alpha1.SealedSecret",
    fields: &[
        KIND,
        API_VERSION,
        field("metadata", &METADATA, Kept::Always),
        field("spec", &SPEC, Kept::Always),
        field("status", &STATUS, Kept::Full),
    ],
});

static SPEC: Type = Type::Struct(&Struct {
    name: "SealedSecretSpec",
    full_name: "v1alpha1.SealedSecretSpec",
    fields: &[
        field("template", &TEMPLATE, Kept::Always),
        field("data", &Type::Bytes, Kept::Full),
        field("encryptedData", &Type::Items, Kept::Always),
    ],
});

static TEMPLATE: Type = Type::Struct(&Struct {
    name: "SecretTemplateSpec",
    full_name: "v1alpha1.SecretTemplateSpec",
    fields: &[
        field("metadata", &METADATA, Kept::Always),
        field("type", &Type::Text("v1.SecretType"), Kept::Full),
        field("immutable", &Type::Bool, Kept::Set),
        field("data", &TEXTS, Kept::Full),
    ],
});

static STATUS: Type = Type::Struct(&Struct {
    name: "SealedSecretStatus",
    full_name: "v1alpha1.SealedSecretStatus",
    fields: &[
        field("observedGeneration", &Type::Int, Kept::Full),
        field("conditions", &Type::List(&CONDITION, "[]v1alpha1.SealedSecretCondition"), Kept::Full),
    ],
});

static CONDITION: Type = Type::Struct(&Struct {
    name: "SealedSecretCondition",
    full_name: "v1alpha1.SealedSecretCondition",
    fields: &[
        field("type", &Type::Text("v1alpha1.SealedSecretConditionType"), Kept::Always),
        field("status", &Type::Text("v1.ConditionStatus"), Kept::Always),
        field("lastUpdateTime", &Type::Time, Kept::Always),
        field("lastTransitionTime", &Type::Time, Kept::Always),
        field("reason", &TEXT, Kept::Full),
        field("message", &TEXT, Kept::Full),
    ],
});
