//! Being written.
#![allow(unused)]
use super::*;
use crate::command::*;
use headwater_types::*;
