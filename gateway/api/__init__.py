"""The edges. They hold public shapes and their mapping to services, and no rule of the business."""
