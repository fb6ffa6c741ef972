module ml-service/bench/http

go 1.26.0

toolchain go1.26.11
