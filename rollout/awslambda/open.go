package awslambda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"ml-service/rollout"
)

// Options say which function's traffic is moved. Credentials, region and profile are those of every AWS tool.
type Options struct {
	Stack    string // the CloudFormation stack whose output FunctionName names the function
	Function string // the function itself; takes the place of Stack
	Alias    string // that users reach; empty: live
	Metrics  string // CloudWatch namespace of the service's own metrics; empty: ml-service
	Next     string // alias of the version published last; empty: next
}

// functionOutput is the stack's output that names the function.
const functionOutput = "FunctionName"

// Open finds the function and gives its target.
func Open(ctx context.Context, o Options) (*Target, error) {
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	if settings.Region == "" {
		return nil, usage("no AWS region: set AWS_REGION, or a profile with one")
	}
	return open(ctx, settings, o)
}

func open(ctx context.Context, settings aws.Config, o Options) (*Target, error) {
	t := &Target{API: lambda.NewFromConfig(settings), Function: o.Function, Alias: o.Alias, NextAlias: o.Next, Stack: o.Stack, Within: 20 * time.Second,
		Metrics: cloudwatch.NewFromConfig(settings), Namespace: cmp.Or(o.Metrics, "ml-service")}
	if t.Alias == "" {
		t.Alias = "live"
	}
	if t.NextAlias == "" {
		t.NextAlias = "next"
	}
	if o.Stack == "" && o.Function == "" {
		return nil, usage("which function? say --stack or --function")
	}
	if o.Stack == "" {
		return t, nil
	}
	stacks := cloudformation.NewFromConfig(settings)
	if t.Function == "" {
		found, err := stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &o.Stack})
		if err != nil {
			return nil, fmt.Errorf("describe stack %s: %w", o.Stack, err)
		}
		for _, stack := range found.Stacks {
			for _, output := range stack.Outputs {
				if aws.ToString(output.OutputKey) == functionOutput {
					t.Function = aws.ToString(output.OutputValue)
				}
			}
		}
		if t.Function == "" {
			return nil, fmt.Errorf("stack %s has no output %s: is it this project's template.yaml? Otherwise say --function", o.Stack, functionOutput)
		}
	}
	resources, err := stacks.DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{StackName: &o.Stack})
	if err != nil {
		return nil, fmt.Errorf("describe the resources of stack %s: %w", o.Stack, err)
	}
	for _, r := range resources.StackResources {
		if aws.ToString(r.ResourceType) == "AWS::CodeDeploy::DeploymentGroup" {
			t.codeDeploy = aws.ToString(r.PhysicalResourceId)
		}
	}
	return t, nil
}

func usage(format string, args ...any) error {
	return &rollout.Fault{Outcome: rollout.ErrUsage, Err: fmt.Errorf(format, args...)}
}

func drifted(format string, args ...any) error {
	return &rollout.Fault{Outcome: rollout.ErrDrifted, Err: fmt.Errorf(format, args...)}
}

// errNoAnswer is an invocation that ended without an HTTP answer.
var errNoAnswer = errors.New("the function did not answer")
