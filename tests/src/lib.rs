//! A whole cluster's brain on one machine: etcd, kube-apiserver and kube-controller-manager on loopback, a node that
//! runs Pods as local processes, and the product on top. The end-to-end suite and the playground share it.
//!
//! Needs no root and leaves nothing behind: all state lives in one temporary folder, and every process ends with this
//! one, however it ends.

pub mod attack;
pub mod control_plane;
pub mod controller;
pub mod faults;
pub mod figures;
pub mod load;
pub mod node;
pub mod parsed;
pub mod playground;
pub mod process;
pub mod product;
pub mod report;
pub mod shell;
pub mod template_differences;
pub mod template_maker;
