package onnx

// pairwise is a classifier of support vectors: one machine for each pair of classes, or, without support vectors, one row of
// coefficients for each class. What becomes of two classes follows ONNX Runtime.
type pairwise struct {
	*supportVectors
	labels       *Tensor
	classes      int
	starts       []int     // by class: its first vector; the last is the number of vectors
	coefficients []float32 // [classes-1][vectors]
	rho          []float32 // by pair
	probA, probB []float32 // by pair, where scores become probabilities; else nil
	post         transform
}

func svmClassifier(n *node) (kernel, error) {
	n.types(0, numbers...)
	labels := n.labels("classlabels_ints", "classlabels_strings")
	s := &pairwise{labels: labels, classes: labels.Shape[0], coefficients: n.floats("coefficients"), rho: n.floats("rho"), post: n.transform(),
		probA: n.floats("prob_a"), probB: n.floats("prob_b")}
	if n.err == nil && s.classes < 2 {
		return nil, n.unsupported([]string{"two classes or more"}, "%d classes", s.classes)
	}
	if n.err == nil && s.classes > maxSVMClasses {
		return nil, n.unsupported([]string{"fewer classes"}, "%d classes are more than %d", s.classes, maxSVMClasses)
	}
	total := int64(0)
	for _, count := range n.ints("vectors_per_class") {
		if count < 0 || count > maxTensor {
			return nil, n.invalid("vectors_per_class holds %d", count)
		}
		s.starts = append(s.starts, int(total))
		total += count
	}
	if total == 0 {
		return nil, n.unsupported([]string{"support vectors"}, "a classifier without support vectors")
	}
	s.starts = append(s.starts, int(total))
	pairs := s.classes * (s.classes - 1) / 2
	switch {
	case n.err != nil:
	case len(s.starts) != s.classes+1:
		return nil, n.invalid("vectors_per_class has %d elements for %d classes", len(s.starts)-1, s.classes)
	case int64(len(s.coefficients)) != total*int64(s.classes-1):
		return nil, n.invalid("%d coefficients for %d vectors of %d classes", len(s.coefficients), total, s.classes)
	case len(s.rho) != pairs:
		return nil, n.invalid("%d values of rho for %d pairs of classes", len(s.rho), pairs)
	case len(s.probA) != len(s.probB) || len(s.probA) != 0 && len(s.probA) != pairs:
		return nil, n.invalid("%d prob_a and %d prob_b for %d pairs of classes", len(s.probA), len(s.probB), pairs)
	}
	if n.err == nil && s.post == transformProbit && s.classes == 2 && len(s.probA) == 0 {
		return nil, n.unsupported(transformNames[:4], "post_transform PROBIT of one score for two classes is not supported")
	}
	if n.err != nil {
		return nil, n.err
	}
	s.supportVectors = n.supportVectors(int(total))
	n.perRow += len(s.coefficients)
	width := s.classes
	if len(s.probA) == 0 && s.classes > 2 {
		width = pairs // one score a pair
	}
	n.classifier(labels, width)
	if width != s.classes && len(n.out) > 1 && n.out[1] != nil {
		n.out[1].role, n.out[1].labels = Other, nil
	}
	n.scratch.fixed += int64(8*(int(total)+pairs+2*s.classes*s.classes+4*s.classes) + 8*s.classes)
	return func(c *call) error { return s.run(c, pairs, width) }, nil
}

// maxSVMClasses bounds what the pairs of classes take.
const maxSVMClasses = 1 << 10

func (s *pairwise) run(c *call, pairs, width int) error {
	rows, err := c.width(0, s.supportVectors.width)
	if err != nil {
		return err
	}
	scores, err := c.scoresFor(rows, width)
	if err != nil {
		return err
	}
	x := c.floats(0)
	memory := scratch[float64](c, s.count+pairs+2*s.classes*s.classes+4*s.classes)
	similar, decisions, rest := memory[:s.count], memory[s.count:][:pairs], memory[s.count+pairs:]
	c.index = sized(c.index, s.classes)
	for r := range rows {
		s.compare(similar, x[r*s.supportVectors.width:][:s.supportVectors.width])
		s.decide(decisions, c.index, similar)
		row := scores[r*width:][:width]
		if len(s.probA) > 0 {
			s.probabilities(row, decisions, rest)
		} else if s.classes > 2 {
			for i, d := range decisions {
				row[i] = float32(d)
			}
		}
		s.finish(row, float32(decisions[0]))
		if c.out[0] != nil {
			pick(c.out[0], s.labels, r, mostVotes(c.index))
		}
	}
	return nil
}

// decide sums up each pair's machine and lets it vote for one of the two.
func (s *pairwise) decide(decisions []float64, votes []int, similar []float64) {
	clear(votes)
	pair := 0
	for i := range s.classes {
		for j := i + 1; j < s.classes; j++ {
			sum := float64(s.rho[pair]) + s.part(i, j-1, similar) + s.part(j, i, similar)
			if decisions[pair] = sum; sum > 0 {
				votes[i]++
			} else {
				votes[j]++
			}
			pair++
		}
	}
}

// part is what the vectors of a class say by one of their rows of coefficients.
func (s *pairwise) part(class, row int, similar []float64) (sum float64) {
	coefficients := s.coefficients[row*s.count:]
	for k := s.starts[class]; k < s.starts[class+1]; k++ {
		sum += float64(float64(coefficients[k]) * similar[k])
	}
	return sum
}

// mostVotes is the first class with the most votes.
func mostVotes(votes []int) int {
	best := 0
	for i, v := range votes {
		if v > votes[best] {
			best = i
		}
	}
	return best
}

// probabilities couples the probabilities of the pairs, as libsvm does. rest has room for two square matrices and four lists.
func (s *pairwise) probabilities(row []float32, decisions, rest []float64) {
	const edge = 1e-7
	k := s.classes
	r, q := rest[:k*k], rest[k*k:][:k*k]
	p, qp := rest[2*k*k:][:k], rest[2*k*k+k:][:k]
	pair := 0
	for i := range k {
		for j := i + 1; j < k; j++ {
			v := min(max(1-logistic(float64(decisions[pair]*float64(s.probA[pair]))+float64(s.probB[pair])), edge), 1-edge)
			r[i*k+j], r[j*k+i] = v, 1-v
			pair++
		}
	}
	couple(p, r, q, qp)
	for i, v := range p {
		row[i] = float32(v)
	}
}

// couple finds the probabilities of k classes that agree best with those of their pairs, r: the second method of Wu, Lin and Weng.
func couple(p, r, q, qp []float64) {
	k := len(p)
	for t := range k {
		p[t] = 1 / float64(k)
		q[t*k+t] = 0
		for j := range k {
			if j != t {
				q[t*k+t] += float64(r[j*k+t] * r[j*k+t])
				q[t*k+j] = -r[j*k+t] * r[t*k+j]
			}
		}
	}
	limit := 0.005 / float64(k)
	for range 100 {
		var pqp, worst float64
		for t := range k {
			qp[t] = 0
			for j := range k {
				qp[t] += float64(q[t*k+j] * p[j])
			}
			pqp += float64(p[t] * qp[t])
		}
		for t := range k {
			worst = max(worst, qp[t]-pqp, pqp-qp[t])
		}
		if worst < limit {
			return
		}
		for t := range k {
			d := (pqp - qp[t]) / q[t*k+t]
			p[t] += d
			pqp = (pqp + float64(d*(float64(d*q[t*k+t])+2*qp[t]))) / (1 + d) / (1 + d)
			for j := range k {
				qp[j] = (qp[j] + float64(d*q[t*k+j])) / (1 + d)
				p[j] /= 1 + d
			}
		}
	}
}

// finish writes the scores of two classes from the decision between them, and transforms those of a row.
func (s *pairwise) finish(row []float32, decision float32) {
	if s.classes == 2 && len(s.probA) == 0 {
		row[0], row[1] = -decision, decision
		if s.post == transformSoftmax || s.post == transformSoftmaxZero {
			row[0] = 1 - decision
			return
		}
	}
	apply(s.post, row)
}
