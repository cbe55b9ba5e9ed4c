"""The steps of the pipeline, one family of PTransforms a file. They wire; how an object is moved is in ../moving."""
