// Predicts the first row and all rows by the generated types, and prints both answers.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";
import { rows, url } from "./rows.js";

const client = createClient<paths>({ baseUrl: url });

type Request = paths["/predict"]["post"]["requestBody"]["content"]["application/json"]["x"];

async function predict(x: Request): Promise<components["schemas"]["PredictAnswer"]> {
  const { data, error } = await client.POST("/predict", { params: { query: { probabilities: true } }, body: { x } });
  if (data === undefined) {
    throw new Error(error.error);
  }
  return data;
}

console.log(JSON.stringify([await predict(rows[0]!), await predict(rows)]));
