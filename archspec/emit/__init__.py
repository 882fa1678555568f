"""What a network is written as: PyTorch source, ONNX, diagrams.  Each module here is imported when it is asked for."""
