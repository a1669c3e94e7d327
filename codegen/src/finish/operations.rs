//! What the runtime must know of each operation, as constants of the generated crate.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::surface::Surface;

pub(super) fn module(surface: &Surface) -> TokenStream {
    let names: Vec<_> =
        surface.operations.iter().map(|it| format_ident!("{}", it.static_name())).collect();
    let statics = surface.operations.iter().zip(&names).map(|(operation, name)| {
        let doc = format!(" `{} {}`", operation.method, operation.path);
        let (id, method, path) = (operation.id(), &operation.method, &operation.path);
        let idempotency = if operation.safe { quote!(Idempotent) } else { quote!(NotIdempotent) };
        let secret_response = operation.secret_response;
        quote! {
            #[doc = #doc]
            pub static #name: Operation = Operation {
                id: #id,
                method: #method,
                path: #path,
                idempotency: Idempotency::#idempotency,
                secret_response: #secret_response,
            };
        }
    });
    quote! {
        /// The operations of the document.
        pub mod operations {
            use crate::model::operation::{Idempotency, Operation};
            #(#statics)*
            /// Every operation, in the order of their paths.
            pub static ALL: &[&Operation] = &[#(&#names),*];
        }
    }
}
