"""The bundled model and image: a small U-Net for the Triangle task, from the data to the ONNX file.

`python -m exporters.demo_model --out misure_onnx/demo` makes them anew in some ten minutes on one processor core.
"""
