// Package rollout moves traffic between two sides of a service, step by step and back: blue and green behind Nginx, or
// two versions behind a Lambda alias. It knows neither; a Target does. What it knows is what makes a step safe: one
// at a time (Lock), written down before it is done (Journal), against the revision that was read, and checked against
// what was left the last time.
package rollout

// Side is one of the two between which traffic moves: a colour, or the number of a function version.
type Side string
