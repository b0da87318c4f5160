//! The filters, tests and functions that templates may use: a closed list.

use minijinja::value::Value;
use minijinja::{Environment, filters, functions, tests};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

macro_rules! builtins {
    (filters { $($filter:literal $by:expr,)* } tests { $($test:literal $of:expr,)* } functions { $($function:literal $is:expr,)* }) => {
        /// Every filter, by name.
        pub(super) const FILTERS: &[&str] = &[$($filter),*];
        /// Every test that may stand behind `is`.
        pub(super) const TESTS: &[&str] = &[$($test),*];
        /// Every function.
        pub(super) const FUNCTIONS: &[&str] = &[$($function),*];

        pub(super) fn add_to(environment: &mut Environment<'static>) {
            $(environment.add_filter($filter, $by);)*
            $(environment.add_test($test, $of);)*
            $(environment.add_function($function, $is);)*
        }
    };
}

builtins! {
    filters {
        "abs" filters::abs,
        "capitalize" filters::capitalize,
        "default" filters::default,
        "first" filters::first,
        "float" filters::float,
        "int" filters::int,
        "join" filters::join,
        "last" filters::last,
        "length" filters::length,
        "list" filters::list,
        "lower" filters::lower,
        "map" filters::map,
        "max" filters::max,
        "min" filters::min,
        "reject" filters::reject,
        "rejectattr" filters::rejectattr,
        "replace" filters::replace,
        "reverse" filters::reverse,
        "round" filters::round,
        "select" filters::select,
        "selectattr" filters::selectattr,
        "sort" filters::sort,
        "split" filters::split,
        "string" filters::string,
        "title" filters::title,
        "trim" filters::trim,
        "unique" filters::unique,
        "upper" filters::upper,
        "urlencode" urlencode,
    }
    tests {
        "defined" tests::is_defined,
        "divisibleby" tests::is_divisibleby,
        "endingwith" tests::is_endingwith,
        "eq" tests::is_eq,
        "even" tests::is_even,
        "ge" tests::is_ge,
        "gt" tests::is_gt,
        "in" tests::is_in,
        "le" tests::is_le,
        "lt" tests::is_lt,
        "ne" tests::is_ne,
        "none" tests::is_none,
        "number" tests::is_number,
        "odd" tests::is_odd,
        "startingwith" tests::is_startingwith,
        "string" tests::is_string,
        "undefined" tests::is_undefined,
    }
    functions {
        "range" functions::range,
    }
}

/// The text as it stands in a URL: all but letters and digits percent-encoded (RFC 3986 section 2.1).
fn urlencode(value: &Value) -> String {
    utf8_percent_encode(&value.to_string(), NON_ALPHANUMERIC).to_string()
}
