package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The labels by which both compose tools say what a container is.
const (
	labelService = "com.docker.compose.service"
	labelProject = "com.docker.compose.project"
	labelDir     = "com.docker.compose.project.working_dir"
	labelFiles   = "com.docker.compose.project.config_files"
	labelVersion = "com.docker.compose.version"
)

// Container is what docker says of one container.
type Container struct {
	ID           string `json:"Id"`
	Name         string
	Image        string // id of the image it was made from
	Path         string // what it runs, with Args
	Args         []string
	RestartCount int
	State        struct {
		Status    string
		Running   bool
		Paused    bool
		OOMKilled bool
		ExitCode  int
		StartedAt time.Time
		Health    *struct{ Status string }
	}
	Config struct {
		Image  string // the name it was asked for by
		Env    []string
		User   string
		Labels map[string]string
	}
	NetworkSettings struct {
		Ports    map[string][]struct{ HostIP, HostPort string }
		Networks map[string]struct {
			IPAddress string
			Aliases   []string
		}
	}
	Mounts []struct {
		Type, Source, Destination string
		RW                        bool
	}
}

// Service and Project are the names that compose gave it.
func (c *Container) Service() string { return c.Config.Labels[labelService] }

// Project is the name of the compose project.
func (c *Container) Project() string { return c.Config.Labels[labelProject] }

// Files are the compose files it was made from, by base name.
func (c *Container) Files() []string {
	var names []string
	for f := range strings.SplitSeq(c.Config.Labels[labelFiles], ",") {
		if f != "" {
			names = append(names, filepath.Base(f))
		}
	}
	return names
}

// Tool is the compose that made it.
func (c *Container) Tool() Tool {
	if strings.HasPrefix(c.Config.Labels[labelVersion], "1.") {
		return Tool{"docker-compose"}
	}
	return Tool{"docker", "compose"}
}

// Env gives the value of a variable of its environment.
func (c *Container) Env(name string) string {
	for _, e := range c.Config.Env {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}

// HostAddr is where a port of the container (as "8080/tcp") is reached from this machine, or "" if nowhere.
func (c *Container) HostAddr(port string) string {
	bindings := c.NetworkSettings.Ports[port]
	if len(bindings) == 0 {
		return ""
	}
	host := bindings[0].HostIP
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return net.JoinHostPort(host, bindings[0].HostPort)
}

// Addresses are its addresses on all its networks.
func (c *Container) Addresses() []string {
	var all []string
	for _, n := range c.NetworkSettings.Networks {
		if n.IPAddress != "" {
			all = append(all, n.IPAddress)
		}
	}
	slices.Sort(all)
	return all
}

// Networks are the names of its networks without the project's name before them.
func (c *Container) Networks() []string {
	var all []string
	for name := range c.NetworkSettings.Networks {
		all = append(all, strings.TrimPrefix(name, c.Project()+"_"))
	}
	slices.Sort(all)
	return all
}

// Inspect gives one container by id.
func (c CLI) Inspect(ctx context.Context, ids ...string) ([]*Container, error) {
	out, _, err := c.Run(ctx, nil, append([]string{"container", "inspect"}, ids...)...)
	if err != nil {
		return nil, err
	}
	var all []*Container
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		return nil, fmt.Errorf("docker container inspect: %w", err)
	}
	return all, nil
}

// Project finds the containers that compose made from the files in dir, stopped ones included, by service. Two
// containers of one service, or of two projects in one folder, are an error that names them.
func (c CLI) Project(ctx context.Context, dir string) (map[string]*Container, error) {
	out, _, err := c.Run(ctx, nil, "ps", "--all", "--no-trunc", "--filter", "label="+labelDir, "--format", `{{.ID}} {{.Label "`+labelDir+`"}}`)
	if err != nil {
		return nil, err
	}
	here, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	var ids []string
	for line := range strings.Lines(out) {
		id, where, _ := strings.Cut(strings.TrimSpace(line), " ")
		there, err := os.Stat(where)
		if err == nil && os.SameFile(here, there) {
			ids = append(ids, id)
		}
	}
	found := map[string]*Container{}
	if len(ids) == 0 {
		return found, nil
	}
	all, err := c.Inspect(ctx, ids...)
	if err != nil {
		return nil, err
	}
	project := ""
	for _, one := range all {
		if one.Config.Labels["com.docker.compose.oneoff"] == "True" {
			continue // compose run
		}
		if project == "" {
			project = one.Project()
		}
		if one.Project() != project {
			return nil, fmt.Errorf("two projects were started from %s: %s and %s; take one of them down", dir, project, one.Project())
		}
		if other, ok := found[one.Service()]; ok {
			return nil, fmt.Errorf("service %s has two containers, %s and %s; want one", one.Service(), strings.TrimPrefix(other.Name, "/"), strings.TrimPrefix(one.Name, "/"))
		}
		found[one.Service()] = one
	}
	return found, nil
}
