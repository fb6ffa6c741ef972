package handler

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"

	"ml-service/handler/record"
	"ml-service/model"
)

const (
	defaultName    = "ml-service"
	versionSetting = "MODEL_VERSION"
)

// Config is how the service is set up, whoever listens for it.
type Config struct {
	Color          string
	ModelVersion   string // empty: the only one in ModelDir, else the version stamped into the binary
	ModelDir       string // empty: the embedded models
	ModelName      string
	MaxBodyBytes   int64
	BasePath       string  // under which every route is found as well; empty: none
	HealthRoute    string  // Vertex AI's own
	PredictRoute   string  // Vertex AI's own
	Origins        string  // of pages that may call from browsers; empty: none but its own
	Strict         bool    // tensors of the open protocol are not converted
	RecordDir      string  // of the record of requests; empty: none
	RecordSample   float64 // the share of requests that is recorded
	RecordOmit     string  // what of them is not recorded as it is
	LogLevel       slog.Level
	MaxConcurrency int   // requests in the model at once; 0: one a core
	MaxQueue       int   // requests that wait for that; 0: 64 for each of MaxConcurrency; -1: none
	MemoryLimit    int64 // of the process, in bytes; 0: none; -1: GOMEMLIMIT, else a share of the cgroup's or of the machine's
}

// Setting is one variable: HOST in the environment is --host on the command line.
type Setting struct {
	Env, Default, Usage string
	Set                 func(value string) error // an error says what was expected; Configure adds what was got
}

// Settings are the variables that set c.
func (c *Config) Settings() []Setting {
	return []Setting{
		{"COLOR", "", "colour of this instance, sent as X-Color; empty: not sent", func(v string) error {
			c.Color = v
			return visible(v, 64)
		}},
		{versionSetting, modelVersion, "model version to serve; the only one in MODEL_DIR, where it is that", func(v string) error {
			c.ModelVersion = v
			if v == "." || v == ".." || strings.ContainsAny(v, `/\`) {
				return errors.New("want a version as v1.0.0")
			}
			return visible(v, 128)
		}},
		{"MODEL_DIR", "", "folder of <version>/ with a model file in each; turns the embedded models off", func(v string) error {
			c.ModelDir = v
			return nil
		}},
		{"MODEL_NAME", defaultName, "name of the model", func(v string) error {
			c.ModelName = v
			if strings.Contains(v, "/") {
				return errors.New("want a name without slashes")
			}
			return visible(v, 128)
		}},
		{"MAX_BODY_BYTES", strconv.Itoa(DefaultMaxBodyBytes), "longest body taken, in bytes", func(v string) (err error) {
			if c.MaxBodyBytes, err = strconv.ParseInt(v, 10, 64); err != nil || c.MaxBodyBytes < 1 || c.MaxBodyBytes > math.MaxInt32 {
				return errors.New("want a number of bytes from 1 to 2147483647")
			}
			return nil
		}},
		{"BASE_PATH", "", "path under which every route is found as well, as /ml; for prefixes that nobody in front takes off", func(v string) error {
			c.BasePath = v
			return basePath(v)
		}},
		{"AIP_HEALTH_ROUTE", "", "one more address of GET /ping, as Vertex AI sets it; empty: none", func(v string) error {
			c.HealthRoute = v
			return aipRoute(v)
		}},
		{"AIP_PREDICT_ROUTE", "", "one more address of POST /invocations, as Vertex AI sets it; empty: none", func(v string) error {
			c.PredictRoute = v
			return aipRoute(v)
		}},
		{"CORS_ORIGINS", "", "origins of pages that may call from a browser, as https://example.org,https://example.com, or *; empty: none", func(v string) error {
			c.Origins = v
			_, err := parseOrigins(v)
			return err
		}},
		{"STRICT_DATATYPES", "false", "refuse tensors of another datatype than the input's, as FP64 for FP32", func(v string) (err error) {
			if c.Strict, err = strconv.ParseBool(v); err != nil {
				return errors.New("want true or false")
			}
			return nil
		}},
		{"RECORD_DIR", "", "folder for a record of requests and answers, with what is personal in them; empty: none. On Lambda any word: to the log", func(v string) error {
			c.RecordDir = v
			return nil
		}},
		{"RECORD_SAMPLE", "1", "share of the requests that is recorded, 0 to 1", func(v string) (err error) {
			if c.RecordSample, err = strconv.ParseFloat(v, 64); err != nil || !(c.RecordSample >= 0 && c.RecordSample <= 1) {
				return errors.New("want a share from 0 to 1")
			}
			return nil
		}},
		{"RECORD_OMIT", "", "what is not recorded: names or positions of features, body, answer; hash:name to hash it, as email,hash:customer", func(v string) (err error) {
			c.RecordOmit = v
			_, err = record.ParseFields(v)
			return err
		}},
		{"LOG_LEVEL", "info", "debug, info, warn or error", func(v string) error {
			switch strings.ToLower(v) {
			case "debug", "info", "warn", "error":
				return c.LogLevel.UnmarshalText([]byte(v))
			}
			return errors.New("want debug, info, warn or error")
		}},
		{"MAX_CONCURRENCY", "0", "requests in the model at once; 0: one a core", func(v string) error {
			return count(v, 0, &c.MaxConcurrency)
		}},
		{"MAX_QUEUE", "0", "requests that wait for that, past it 503; 0: 64 for each at once; -1: none", func(v string) error {
			return count(v, -1, &c.MaxQueue)
		}},
		{"MEMORY_LIMIT", "", "memory of the process, as 512MiB; 0: no limit; empty: GOMEMLIMIT, else 0.8 of what the cgroup or machine has", func(v string) (err error) {
			c.MemoryLimit = automatic
			if v != "" {
				c.MemoryLimit, err = parseBytes(v)
			}
			return err
		}},
	}
}

// Recorder is the record that the configuration asks for, of requests to m. It has to be closed. Names in RECORD_OMIT that the model
// does not have are logged.
func (c *Config) Recorder(sink io.WriteCloser, m *model.Model, logger *slog.Logger) *record.Log {
	omit, _ := record.ParseFields(c.RecordOmit) // checked when it was set
	if strangers, _ := c.checkOmit(m); len(strangers) > 0 && logger != nil {
		logger.Warn("RECORD_OMIT has names that the model does not: they leave out other members of the body alone",
			"names", strings.Join(strangers, ", "), "version", m.Version(), "of_the_model", omittable(m))
	}
	return record.New(record.Options{Sink: sink, Sample: c.RecordSample, Omit: omit, Row: rowNames(m), Version: m.Version(), Color: c.Color, Logger: logger})
}

func (s Setting) flag() string { return strings.ReplaceAll(strings.ToLower(s.Env), "_", "-") }

// Configure sets every setting: by its flag over its environment variable over its default. An empty variable counts as none.
// flags may have more flags; it is only used here. The error says what was expected, and is flag.ErrHelp where help was asked for.
func Configure(settings []Setting, flags *flag.FlagSet, args []string, getenv func(string) string) error {
	given := make(map[string]string)
	flags.SetOutput(io.Discard)
	for _, s := range settings {
		flags.Func(s.flag(), s.Usage, func(v string) error { given[s.Env] = v; return nil })
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	for _, s := range settings {
		source, value := s.Env, getenv(s.Env)
		if v, ok := given[s.Env]; ok {
			source, value = "--"+s.flag(), v
		} else if value == "" && s.Env != versionSetting { // whose default depends on the models that are there
			value = s.Default
		}
		if err := s.Set(value); err != nil {
			return fmt.Errorf("%s: %w, got %q", source, err, value)
		}
	}
	return nil
}

// WriteUsage lists settings with their defaults.
func WriteUsage(w io.Writer, settings []Setting) {
	for _, s := range settings {
		value := s.Default
		if value == "" {
			value = `""`
		}
		fmt.Fprintf(w, "  --%-19s %-19s %-11s %s\n", s.flag(), s.Env, value, s.Usage)
	}
}

// Options are those of a service of an opened version, as far as c says.
func (c *Config) Options(o *Opened) Options {
	origins, _ := parseOrigins(c.Origins) // Settings has checked it
	return Options{
		Model: o.Model, Example: o.Example, Name: c.ModelName, Color: c.Color, MaxBodyBytes: c.MaxBodyBytes,
		BasePath: c.BasePath, HealthRoute: c.HealthRoute, PredictRoute: c.PredictRoute, Origins: origins, Strict: c.Strict, Discreet: c.RecordOmit != "", Concurrency: c.MaxConcurrency, Queue: c.MaxQueue,
	}
}

// basePath checks BASE_PATH: plain segments, the first of which is no route of ours.
func basePath(v string) error {
	if v == "" {
		return nil
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(v, "/"), "/")
	own := []string{"health", "livez", "readyz", "predict", "v1", "v2", "ping", "invocations", "metrics", "openapi.json", "docs"}
	plain := strings.Trim(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~/") == ""
	if v[0] != '/' || !plain || strings.HasSuffix(v, "/") || strings.Contains(v, "//") || strings.Contains(v, "/.") || slices.Contains(own, first) {
		return errors.New("want a path as /ml or /teams/ml, which begins with no route of the service")
	}
	return nil
}

// visible checks a value that goes into a header.
func visible(v string, most int) error {
	if len(v) > most {
		return fmt.Errorf("want at most %d characters", most)
	}
	if v != "" && !usableID(v) {
		return errors.New("want visible ASCII characters without spaces")
	}
	return nil
}

// count reads a number from least to 100,000.
func count(v string, least int, n *int) (err error) {
	const most = 100_000
	if *n, err = strconv.Atoi(v); err != nil || *n < least || *n > most {
		return fmt.Errorf("want a number from %d to %d", least, most)
	}
	return nil
}
