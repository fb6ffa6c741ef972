package main

import (
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ml-service/rollout"
	"ml-service/rollout/api"
)

// command is what every verb has: where it works, and where it writes.
type command struct {
	dir    string
	target string
	json   bool
	within time.Duration

	stdin          io.Reader
	stdout, stderr io.Writer
}

func newRoot(stdin io.Reader, stdout, stderr io.Writer) *cobra.Command {
	c := &command{stdin: stdin, stdout: stdout, stderr: stderr}
	root := &cobra.Command{
		Use:   "rollout",
		Short: "Move traffic between two versions, step by step and back",
		Long: `Move traffic between two versions of ml-service, step by step and back: blue and green behind Nginx, started by
docker compose from the files in this folder, or two versions behind the alias of a Lambda function.

Exit codes: 0 done, 1 error, 2 usage, 3 held, 4 rolled back, 5 locked or drifted.`,
		Example: `  rollout status
  rollout deploy --model my-models/v2.0.0 --version v2.0.0     # onto the side without traffic; nobody is moved
  rollout shift --to green --weight 10
  rollout promote
  rollout rollback --reason "too many refunds"`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				return usage("no verb %q; did you mean %s?", args[0], strings.Join(near, " or "))
			}
			return usage("no verb %q; see rollout --help", args[0])
		},
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%s; see %s --help", api.Line(err.Error(), os.Getenv("CLOUD_TOKEN")), cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVarP(&c.dir, "directory", "C", ".", "folder of the compose files and nginx.conf")
	flags.StringVar(&c.target, "target", "nginx", "where traffic is split: "+strings.Join(targetNames(), " or "))
	flags.DurationVar(&c.within, "within", 20*time.Second, "how long to wait for a change to be seen")
	_ = root.RegisterFlagCompletionFunc("target", cobra.FixedCompletions(targetNames(), cobra.ShellCompDirectiveNoFileComp))
	targetFlags(flags)
	root.AddCommand(
		newStatus(c), newDoctor(c),
		newDeploy(c), newShift(c), newPromote(c), newRollback(c),
		newHistory(c), newExplain(c),
		newCanary(c), newCompare(c), newLabel(c), newJudge(c),
		newServe(c), newUI(c),
	)
	for _, sub := range root.Commands() {
		if sub.Args == nil {
			sub.Args = noArgs
		}
	}
	return root
}

func usage(format string, args ...any) error {
	return &rollout.Fault{Outcome: rollout.ErrUsage, Err: fmt.Errorf(format, args...)}
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no arguments, got %q; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}

// stateDir is where lock, journal and history lie.
func (c *command) stateDir() string { return filepath.Join(c.dir, ".rollout") }

// control opens the target.
func (c *command) control(cmd *cobra.Command) (*rollout.Control, *progress, error) {
	dir, err := filepath.Abs(c.dir)
	if err != nil {
		return nil, nil, err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, nil, usage("-C %s: want a folder", c.dir)
	}
	c.dir = dir
	if !slices.Contains(targetNames(), c.target) {
		return nil, nil, usage("--target %s: want %s", c.target, strings.Join(targetNames(), " or "))
	}
	p := newProgress(c.stderr)
	ctl := &rollout.Control{Journal: rollout.OpenJournal(c.stateDir(), c.target), Dir: c.stateDir(), Name: c.target,
		Who: who(), Progress: rollout.Progress{Step: p.step, Tell: p.tell}, Now: time.Now}
	ctl.Target, err = c.open(cmd, ctl.Progress)
	return ctl, p, err
}

// begin takes the lock, says what an earlier call that was killed had left, and returns what gives the lock back.
func (c *command) begin(cmd *cobra.Command) (s *rollout.Session, end func(error) error, err error) {
	ctl, p, err := c.control(cmd)
	if err != nil {
		return nil, nil, err
	}
	s, err = ctl.Begin(cmd.Context())
	if err != nil {
		p.stop()
		return nil, nil, err
	}
	if s.Settled != "" {
		p.tell(s.Settled)
	}
	return s, func(err error) error {
		p.stop()
		if e := s.Close(); err == nil {
			err = e
		}
		return err
	}, nil
}

// who is the person at the keyboard, or the job.
func who() string {
	name := "uid " + fmt.Sprint(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	return fmt.Sprintf("%s@%s (pid %d)", name, host, os.Getpid())
}
