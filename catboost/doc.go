// Package catboost reads the files that CatBoost saves (.cbm) and answers as CatBoost does.
//
// [Load] checks a file wholly and compiles its trees to [ml-service/tree]; [Model.Raw] gives the raw values to the bit, and
// [Model.Scores] what predict and predict_proba make of them. What a file has and this package has not refuses the file by name.
package catboost
