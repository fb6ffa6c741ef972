module ml-service/bench/models

go 1.26.0

toolchain go1.26.11

require ml-service v0.0.0

require google.golang.org/protobuf v1.36.12 // indirect

replace ml-service => ../..
