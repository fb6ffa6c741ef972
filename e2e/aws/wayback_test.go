package aws

import (
	"fmt"
	"testing"
)

// TestWayBack moves one alias by all that moves it, deploy/aws/back.sh, rollout and a person's update-alias, each knowing
// nothing of the others but the alias's description: the way back goes to what had all users before, or says that it
// does not know.
func TestWayBack(t *testing.T) {
	m := start(t)
	s := stack{function: "wayback"}
	m.run(t, `printf '#!/bin/sh\n' >bootstrap && python3 -m zipfile -c code.zip bootstrap`)
	m.run(t, "aws lambda create-function --function-name wayback --runtime provided.al2023 --architectures x86_64 --handler bootstrap --role arn:aws:iam::000000000000:role/r --zip-file fileb://code.zip >answer.json")
	m.run(t, `for n in 1 2 3 4 5 6 7 8; do
		curl -sSf -o answer.json -X PUT "$AWS_ENDPOINT_URL/2015-03-31/functions/wayback/configuration" -d '{"Timeout":'$n'}'
		curl -sSf -o answer.json -X POST "$AWS_ENDPOINT_URL/2015-03-31/functions/wayback/versions" -d '{}'
	done`) // by Lambda's own API, which takes a tenth of the time: the emulator checks no signature
	m.run(t, "aws lambda create-alias --function-name wayback --name live --function-version 5 >answer.json")
	// on puts the alias as a person does, with what its description said by then.
	on := func(version, description string) {
		t.Helper()
		m.run(t, fmt.Sprintf("aws lambda update-alias --function-name wayback --name live --function-version %s --routing-config 'AdditionalVersionWeights={}' --description '%s' >answer.json", version, description))
	}
	// moved is by rollout on a machine that has no history of its own.
	moved := func(steps ...[]string) {
		t.Helper()
		other := &machine{dir: t.TempDir(), env: m.env}
		for _, args := range steps {
			other.rollout(t, 0, "", append([]string{"--function", "wayback"}, args...)...)
		}
	}
	shift := func(to, weight string) []string { return []string{"shift", "--to", to, "--weight", weight} }
	const back = "FUNCTION=wayback deploy/aws/back.sh"
	wantBack := func(version string) {
		t.Helper()
		m.run(t, back)
		m.wantAlias(t, s, "live", version, nil)
	}
	wantUnmoved := func(version, said string) {
		t.Helper()
		wantSaid(t, m.fails(t, 2, back), said)
		m.wantAlias(t, s, "live", version, nil)
	}

	// 6 is bad and taken back, 7 takes its place: back is 5, and never 6.
	moved(shift("6", "10"), []string{"rollback"})
	wantUnmoved("5", "does not say which version 5 replaced. Name the version: make lambda-back BACK=<number>; published: 1 2 3 4 5 6 7 8")
	moved(shift("7", "10"), []string{"promote"})
	wantBack("5")
	wantUnmoved("5", "live is on 5, which users went back to from 7")

	// The same, promoted and only then taken back: by rollout, and while a release has all the traffic.
	moved([]string{"promote", "--to", "6"}, []string{"rollback"})
	wantUnmoved("5", "live is on 5, which users went back to from 6")
	moved(shift("7", "100"))
	wantBack("5")
	moved(shift("7", "50"))
	wantBack("5")

	// 5 is bad: a way back to 4, and 6 takes its place. Back is 4, and never 5.
	m.run(t, "BACK=4 "+back)
	moved(shift("6", "10"), []string{"promote"})
	wantBack("4")

	// A person moves on by hand, as docs/lambda.md says; what the description says is of another version.
	on("5", "")
	moved([]string{"promote", "--to", "6"})
	m.run(t, "aws lambda update-alias --function-name wayback --name live --function-version 8 --routing-config 'AdditionalVersionWeights={}' >answer.json")
	wantUnmoved("8", `its description, "[6, was 5]", does not say which version 8 replaced`)
	on("8", "was 5")
	wantUnmoved("8", `its description, "was 5", does not say which version 8 replaced`)
	m.run(t, "aws lambda update-alias --function-name wayback --name live --routing-config 'AdditionalVersionWeights={7=0.1}' >answer.json")
	wantBack("8")

	// What a person wrote there stays.
	on("5", "what users get [5, was 4]")
	moved(shift("7", "10"))
	wantBack("5")
	wantBack("4")
	wantSaid(t, m.run(t, "aws lambda get-alias --function-name wayback --name live --query Description --output text"), "what users get [4, back from 5]\n")
}
