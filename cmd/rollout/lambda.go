package main

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ml-service/rollout"
	"ml-service/rollout/awslambda"
)

func init() {
	targets["lambda"] = opener{
		open: openLambda,
		flags: func(flags *pflag.FlagSet) {
			flags.String("stack", "ml-service", "lambda: the CloudFormation stack of the function")
			flags.String("metrics-namespace", "ml-service", "lambda: the stack's MetricsNamespace, which canary reads from CloudWatch")
			flags.String("function", "", "lambda: the function, where it is not the stack's")
		},
	}
}

func openLambda(c *command, cmd *cobra.Command, _ rollout.Progress) (rollout.Target, error) {
	flags := cmd.Flags()
	var o awslambda.Options
	var err error
	if o.Function, err = flags.GetString("function"); err != nil {
		return nil, err
	}
	if o.Metrics, err = flags.GetString("metrics-namespace"); err != nil {
		return nil, err
	}
	if o.Function == "" || flags.Changed("stack") {
		if o.Stack, err = flags.GetString("stack"); err != nil {
			return nil, err
		}
	}
	t, err := awslambda.Open(cmd.Context(), o)
	if err != nil {
		return nil, err
	}
	t.Within = c.within
	return t, nil
}

// named is the side that a name stands for on this target; an empty name stays empty.
func named(ctx context.Context, target rollout.Target, name string) (string, error) {
	namer, ok := target.(rollout.Namer)
	if !ok || name == "" {
		return name, nil
	}
	side, err := namer.Side(ctx, name)
	return string(side), err
}
