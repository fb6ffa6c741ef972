// Package lightgbm reads the text files that LightGBM saves (of 3 and 4) and answers as LightGBM does.
//
// [Load] checks a file wholly and compiles its trees to [ml-service/tree]; [Model.Raw] gives the raw scores to the bit, and
// [Model.Scores] what predict makes of them. What a file has and this package has not refuses the file by name.
package lightgbm
