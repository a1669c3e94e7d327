//! AWS's rotation function: the four steps in every order, killed everywhere, twice at once and late,
//! against a fake that is as strict as AWS; and the program itself, against a fake of Lambda.

mod deaths;
mod faults;
mod labels;
mod orders;
mod runtime;
mod several;
mod world;

#[allow(dead_code, reason = "the tests of the stores use the rest")]
#[path = "../../../tests/stores/fakes"]
mod fakes {
    pub(crate) mod aws;
    pub(crate) mod http;
}
