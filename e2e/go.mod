module ml-service/e2e

go 1.26.0
