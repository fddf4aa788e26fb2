//! STAGE 4: carries a plan out and reports what happened. Makes no choices.
