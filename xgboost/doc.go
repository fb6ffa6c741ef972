// Package xgboost reads the files that XGBoost saves (JSON and UBJ, of 1.7 to 3.2) and answers as XGBoost does.
//
// [Load] checks a file wholly and compiles its trees to [ml-service/tree]; [Model.Raw] gives the margins to the bit, and
// [Model.Scores] what predict and predict_proba make of them. What a file has and this package has not refuses the file by name.
package xgboost
