//! Node-API binding of the `eprop` engine.
