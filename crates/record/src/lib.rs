//! Record batches: view, builder, iteration, validation, compression.
