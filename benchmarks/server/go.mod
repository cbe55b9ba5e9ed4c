module s3copy_beam/benchmarks/server

go 1.21
