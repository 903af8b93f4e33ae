//! Functions that belong nowhere else.

use super::super::error::Fault;
use super::super::value::Kind;
use super::super::value::quote::excerpt;
use super::Function;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("hello", &[], |runtime, _| runtime.text("Hello!")),
    Function::new("fail", &[Kind::Text], |_, arguments| {
        let text = crate::template::value::lossy(excerpt(arguments.bytes(0)));
        Err(Fault::new("the template itself says that it fails", text))
    })
    .reading(0),
];
