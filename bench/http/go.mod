module ml-service/bench/http

go 1.26.0
