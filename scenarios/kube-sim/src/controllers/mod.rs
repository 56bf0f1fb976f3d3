//! The controllers: what a cluster does by itself when its objects change.

pub mod label_selector;
