package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"ml-service/rollout"
	"ml-service/rollout/docker"
)

// Options are what a Server is made of.
type Options struct {
	Dir        string // of the compose files
	State      string // folder of the journal
	Repository string // the one that images may come from, as ghcr.io/owner/repo
	VerifyKey  string // of cosign, by which images must be signed; "": signatures are not looked at
	Tokens     *Tokens
	Hosts      []string // further names by which the server may be called
	Plan       Plan
	Audit      *slog.Logger
	Page       http.Handler // answers everything outside of /v1 and /openapi.json; nil: 404

	// Control opens the target anew, which tells progress of what it does.
	Control func(rollout.Progress) (*rollout.Control, error)
}

// Server is the deployment API. It keeps nothing but files: started again, it goes on where it was killed.
type Server struct {
	Options
	guard   *guard
	store   *store
	worker  *worker
	handler http.Handler
	work    sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc
}

// NewServer makes the server, and goes on with a deployment that an earlier one has left.
func NewServer(o Options) (*Server, error) {
	if !repositoryForm(o.Repository) {
		return nil, fmt.Errorf("repository %q: want one as ghcr.io/owner/repo, without tag and digest", o.Repository)
	}
	st, err := openStore(filepath.Join(o.State, "deployments"))
	if err != nil {
		return nil, err
	}
	s := &Server{Options: o, store: st, guard: &guard{tokens: o.Tokens, hosts: append([]string{"localhost", "127.0.0.1", "::1"}, o.Hosts...), audit: o.Audit}}
	for k, host := range s.guard.hosts {
		s.guard.hosts[k] = strings.ToLower(host)
	}
	s.worker = &worker{plan: o.Plan, store: st, images: images{docker.CLI{Dir: o.Dir}, o.Repository, o.VerifyKey}, control: o.Control,
		state: filepath.Join(o.State, "canary-nginx.json"), compared: filepath.Join(o.State, "compare-nginx.json")}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.handler = s.guard.around(s.routes())
	if left := st.running(); left != nil {
		s.worker.add(left, Event{At: time.Now(), State: Running, Step: left.last().Step, Reason: "the server was started again, and goes on"})
		s.work.Go(func() { s.worker.run(s.ctx, left) })
	}
	return s, nil
}

func repositoryForm(name string) bool {
	return imageForm.MatchString(name + "@sha256:" + strings.Repeat("0", 64))
}

// ServeHTTP is http.Handler's.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends what is under way where it stands; the next server goes on.
func (s *Server) Close() {
	s.cancel()
	s.work.Wait()
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Path, s.guard.with(s.post, ScopeDeploy))
	mux.HandleFunc("GET "+Path, s.guard.with(s.list, ScopeDeploy, ScopeRead, ScopeUI))
	mux.HandleFunc("GET "+Path+"/{id}", s.guard.with(s.get, ScopeDeploy, ScopeRead, ScopeUI))
	mux.HandleFunc("GET "+Path+"/{id}/events", s.guard.with(s.events, ScopeDeploy, ScopeRead, ScopeUI))
	mux.HandleFunc("POST "+Path+"/{id}/promote", s.guard.with(s.order(errPromote), ScopeDeploy, ScopeUI))
	mux.HandleFunc("POST "+Path+"/{id}/rollback", s.guard.with(s.order(errRollback), ScopeDeploy, ScopeUI))
	mux.HandleFunc("GET "+StatusPath, s.guard.with(s.status, ScopeDeploy, ScopeRead, ScopeUI))
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document) // the caller may be gone
	})
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "no such route", "") })
	if s.Page != nil {
		mux.Handle("/", s.Page)
	} else {
		mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "no such route", "") })
	}
	return mux
}

// refuse answers with an error of the contract.
func refuse(w http.ResponseWriter, status int, why, id string) {
	answerJSON(w, status, Refusal{why, id})
}

func answerJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the caller may be gone
}

// mostOrder is how long the body of an order may be.
const mostOrder = 16 << 10

func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) != 1 {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("want one Idempotency-Key, got %d", len(keys)), "")
		return
	}
	if err := CheckKey(keys[0]); err != nil {
		refuse(w, http.StatusBadRequest, "Idempotency-Key: "+err.Error(), "")
		return
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostOrder))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("want a body of at most %d bytes", mostOrder), "")
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, "the body did not come whole", "")
		return
	}
	var order Order
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	err = d.Decode(&order)
	if _, end := d.Token(); err != nil || !errors.Is(end, io.EOF) {
		refuse(w, http.StatusBadRequest, `want {"image":"…@sha256:…","version":"v1.1.0","strategy":"switch"}, and nothing else`, "")
		return
	}
	if err := order.Check(); err != nil {
		refuse(w, http.StatusUnprocessableEntity, err.Error(), "")
		return
	}
	if !s.worker.images.mine(order.Image) {
		refuse(w, http.StatusUnprocessableEntity, fmt.Sprintf("image: want one of %s, got %s", s.Repository, order.Image), "")
		return
	}
	now := time.Now()
	sum := sha256.Sum256([]byte(keys[0]))
	fresh := &record{ID: now.UTC().Format("20060102-150405-") + strings.ToLower(rand.Text()[:6]), Key: hex.EncodeToString(sum[:]), Order: order,
		Who: identity(r).Name, Began: now}
	known, busy, err := s.store.begin(fresh)
	switch {
	case err != nil:
		s.Audit.Error("keep an order", "error", err.Error())
		refuse(w, http.StatusInternalServerError, "the order cannot be kept: is the disk full?", "")
	case busy:
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusConflict, "deployment "+known.ID+" is running", known.ID)
	case known != nil && known.Order != order:
		refuse(w, http.StatusUnprocessableEntity, "this Idempotency-Key was used for another order, "+known.ID, known.ID)
	case known != nil:
		answerJSON(w, http.StatusAccepted, Accepted{known.ID, Path + "/" + known.ID})
	default:
		s.work.Go(func() { s.worker.run(s.ctx, fresh) })
		answerJSON(w, http.StatusAccepted, Accepted{fresh.ID, Path + "/" + fresh.ID})
	}
}

// View is a deployment with everything that is known of it. Its first members are those of Deployment.
type View struct {
	Deployment
	Order Order     `json:"order"`
	Who   string    `json:"who"`
	Began time.Time `json:"began"`
}

func view(r *record, events []Event, whole bool) View {
	v := View{Deployment: Deployment{ID: r.ID, State: Running}, Order: r.Order, Who: r.Who, Began: r.Began}
	if len(events) > 0 {
		last := events[len(events)-1]
		v.State, v.Step, v.Reason = last.State, last.Step, last.Reason
	}
	if whole {
		v.Events = events
	}
	return v
}

func (s *Server) find(w http.ResponseWriter, r *http.Request) (*record, []Event, <-chan struct{}) {
	found, events, changed := s.store.get(r.PathValue("id"))
	if found == nil {
		refuse(w, http.StatusNotFound, "no such deployment", "")
	}
	return found, events, changed
}

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	if found, events, _ := s.find(w, r); found != nil {
		answerJSON(w, http.StatusOK, view(found, events, true))
	}
}

func (s *Server) list(w http.ResponseWriter, _ *http.Request) {
	all := []View{}
	for _, r := range s.store.list() {
		_, events, _ := s.store.get(r.ID)
		all = append(all, view(r, events, false))
	}
	answerJSON(w, http.StatusOK, map[string]any{"deployments": all})
}

// events sends what has happened since the start, or after the Last-Event-ID, and what happens until the end, as server-sent events.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	found, events, changed := s.find(w, r)
	if found == nil {
		return
	}
	sent, _ := strconv.Atoi(r.Header.Get("Last-Event-ID")) // anything else begins at the start
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // Nginx hands each on at once
	w.WriteHeader(http.StatusOK)
	stream := http.NewResponseController(w)
	beat := time.NewTicker(15 * time.Second)
	defer beat.Stop()
	for {
		for _, e := range events {
			if e.Number <= sent {
				continue
			}
			text, err := json.Marshal(e)
			if err == nil {
				_ = stream.SetWriteDeadline(time.Now().Add(30 * time.Second))
				_, err = fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", e.Number, e.State, text)
			}
			if err != nil {
				return
			}
			sent = e.Number
		}
		if stream.Flush() != nil || len(events) > 0 && events[len(events)-1].State != Running {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		case <-beat.C:
			if _, err := io.WriteString(w, ": still there\n\n"); err != nil {
				return
			}
			continue
		case <-changed:
		}
		_, events, changed = s.store.get(found.ID)
	}
}

// order tells the deployment under way to end at once, one way or the other; rollback also takes back the last one.
func (s *Server) order(what error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		found, events, _ := s.find(w, r)
		if found == nil {
			return
		}
		v := view(found, events, false)
		if v.State == Running {
			if !s.worker.order(what) {
				refuse(w, http.StatusConflict, "the deployment has just ended", found.ID)
				return
			}
			answerJSON(w, http.StatusAccepted, Accepted{found.ID, Path + "/" + found.ID})
			return
		}
		if what == errPromote || v.State != Succeeded || s.store.list()[0].ID != found.ID {
			refuse(w, http.StatusConflict, fmt.Sprintf("the deployment has ended (%s): only the newest one that succeeded can be rolled back", v.State), found.ID)
			return
		}
		if err := s.worker.undo(r.Context(), found, identity(r)); err != nil {
			refuse(w, http.StatusConflict, err.Error(), found.ID)
			return
		}
		_, events, _ = s.store.get(found.ID)
		answerJSON(w, http.StatusOK, view(found, events, false))
	}
}

// Status is the answer of GET StatusPath.
type Status struct {
	rollout.Situation
	Busy    string              `json:"busy,omitempty"` // who moves traffic at this moment
	Sides   []rollout.SideState `json:"sides"`
	Running string              `json:"running,omitempty"` // the deployment that is
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	control, err := s.Control(rollout.Progress{Step: func(string) {}, Tell: func(string) {}})
	st := Status{Busy: rollout.Holder(s.State)}
	if err == nil {
		st.Situation, err = control.Look(r.Context())
	}
	if inspector, ok := controlTarget(control).(rollout.Inspector); ok && err == nil {
		st.Sides, err = inspector.Sides(r.Context())
	}
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, Line(err.Error(), ""), "")
		return
	}
	if running := s.store.running(); running != nil {
		st.Running = running.ID
	}
	answerJSON(w, http.StatusOK, st)
}

func controlTarget(c *rollout.Control) rollout.Target {
	if c == nil {
		return nil
	}
	return c.Target
}
