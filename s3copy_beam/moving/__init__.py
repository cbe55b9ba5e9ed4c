"""How one object is moved: plain asynchronous functions over the S3 client. No Beam."""
