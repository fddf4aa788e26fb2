//! Where machines run.

use super::text_newtype;

text_newtype! {
    /// A Fly region's three-letter code, such as `lhr`.
    Region
}
