package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ml-service/rollout"
)

// deployment is what rollout deploy is told.
type deployment struct {
	*command
	what    rollout.Artifact
	to      string
	golden  string
	options rollout.DeployOptions
	remote  remote
}

func newDeploy(c *command) *cobra.Command {
	d := &deployment{command: c}
	cmd := &cobra.Command{
		Use:   "deploy (--image IMAGE | --model DIR) --version VERSION [--to SIDE]",
		Short: "Start a version on the side without traffic, and check it; nobody is moved",
		Long: `Start a version on the side without traffic, and check it: healthy, the announced version, the announced checksum,
the golden rows, and a signature that fits the side with the traffic. What does not pass is taken back. Nobody is moved:
that is rollout shift or promote.

On Lambda the new version is published already (sam deploy); it is asked directly before anybody meets it.

--model DIR is a folder of one version (model.onnx, and golden.json if there is one). It is copied into MODEL_DIR as
<version>/, and the image stays as it is.

With --api a rollout serve elsewhere does it, and moves users as --strategy says; --image is by digest then. With --wait each step is a
line, and the exit code is the end: 0 succeeded, 1 failed or not seen, 2 to be corrected here, 4 rolled back, 5 another one is running.
What meets a lost connection, a cut answer, a 5xx or a 429 is sent again under one Idempotency-Key, so one deployment comes of it.`,
		Example: `  rollout deploy --model my-models/v2.0.0 --version v2.0.0
  rollout deploy --image ghcr.io/owner/repo@sha256:… --version v1.2.0 --to green
  rollout deploy --api https://deploy.example.com --image ghcr.io/owner/repo@sha256:… --version v1.2.0 --strategy canary --wait`,
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&d.what.Image, "image", "", "the image the side is to run; pulled if it is not here")
	f.StringVar(&d.what.Model, "model", "", "a folder with one version of a model")
	f.StringVar(&d.what.Version, "version", "", "the version that the side has to serve")
	f.StringVar(&d.to, "to", "", "the side, where both have no traffic")
	f.StringVar(&d.options.SHA256, "sha256", "", "SHA-256 of the model file that the side has to serve; of --model's file if there is one")
	f.StringVar(&d.golden, "golden", "", "a golden.json that the side has to reproduce; --model's own if there is one")
	f.BoolVar(&d.options.AcceptSignature, "accept-signature", false, "go on although the model takes or answers something else than the old one")
	f.DurationVar(&d.options.Within, "start-within", time.Minute, "how long the side may take to become healthy")
	f.StringVar(&d.options.Reason, "reason", "", "why; it stands in the history")
	f.BoolVar(&d.json, "json", false, "print one JSON object")
	d.remote.flags(cmd)
	return cmd
}

func (d *deployment) run(cmd *cobra.Command) error {
	if cmd.Flags().Changed("api") {
		return d.remote.deploy(cmd, d.command, d.what)
	}
	if err := d.read(); err != nil {
		return err
	}
	s, end, err := d.begin(cmd)
	if err != nil {
		return err
	}
	side, err := d.side(cmd.Context(), s)
	if err != nil {
		return end(err)
	}
	done, err := s.Deploy(cmd.Context(), side, d.what, d.options)
	if e := end(nil); err == nil {
		err = e
	}
	if d.json {
		return errors.Join(err, printJSON(d.stdout, done))
	}
	if len(done.Differences) > 0 {
		rows := [][]string{{"SIGNATURE", "OLD", "NEW", ""}}
		for _, x := range done.Differences {
			seen := ""
			if x.V2Only {
				seen = "callers of /v2 alone notice it"
			}
			rows = append(rows, []string{x.Where, x.Old, x.New, seen})
		}
		table(d.stdout, rows...)
	}
	if err != nil {
		return err
	}
	golden := "no golden rows known here"
	if done.Golden > 0 {
		golden = fmt.Sprintf("%d golden rows answer", done.Golden)
	}
	fmt.Fprintf(d.stdout, "%s serves %s (%s, SHA-256 %.12s…); %s; it has no traffic   %.1f s\n", side, done.Model.Version, done.Model.Kind, done.Model.SHA256, golden, done.Seconds)
	fmt.Fprintf(d.stdout, "next: rollout shift --to %s --weight 10, or rollout promote --to %s\n", side, side)
	return nil
}

// side is where the deployment goes: on Lambda the version published last, elsewhere the side without traffic.
func (d *deployment) side(ctx context.Context, s *rollout.Session) (rollout.Side, error) {
	to, err := named(ctx, s.Target, d.to)
	if namer, ok := s.Target.(rollout.Namer); err == nil && ok && to == "" {
		var newest rollout.Side
		newest, err = namer.Side(ctx, "")
		to = string(newest)
	}
	if err != nil {
		return "", err
	}
	return s.IdleSide(ctx, rollout.Side(to))
}

// read checks what was said, and reads what lies beside a model.
func (d *deployment) read() error {
	if d.target == "nginx" && d.what.Image == "" && d.what.Model == "" {
		return usage("what is to run? say --image or --model")
	}
	if d.what.Model != "" {
		dir, err := filepath.Abs(d.what.Model)
		if err != nil {
			return err
		}
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return usage("--model %s: want a folder with one version of a model", d.what.Model)
		}
		d.what.Model = dir
		if d.what.Version == "" {
			d.what.Version = filepath.Base(dir)
		}
		if d.options.SHA256 == "" {
			if d.options.SHA256, err = sumOfModel(dir); err != nil {
				return err
			}
		}
		if d.golden == "" {
			if _, err := os.Stat(filepath.Join(dir, "golden.json")); err == nil {
				d.golden = filepath.Join(dir, "golden.json")
			}
		}
	}
	if d.what.Version == "" && d.target == "nginx" {
		return usage("which version does the image serve? say --version")
	}
	if d.golden == "" {
		return nil
	}
	text, err := os.ReadFile(d.golden)
	if err != nil {
		return err
	}
	golden, err := rollout.ReadGolden(text)
	if err != nil {
		return fmt.Errorf("%s: %w", d.golden, err)
	}
	d.options.Golden = &golden
	return nil
}

// sumOfModel is the SHA-256 of the one model file in a folder; of several nobody knows which one is served.
func sumOfModel(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && strings.HasPrefix(e.Name(), "model.") {
			files = append(files, e.Name())
		}
	}
	switch len(files) {
	case 0:
		return "", usage("--model %s: no model file in it, as model.onnx", dir)
	case 1:
		data, err := os.ReadFile(filepath.Join(dir, files[0]))
		sum := sha256.Sum256(data)
		return hex.EncodeToString(sum[:]), err
	default:
		return "", usage("--model %s: %s; want one model file", dir, strings.Join(files, " and "))
	}
}
