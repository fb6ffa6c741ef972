package judge

import (
	"math"
	"math/rand/v2"
)

// closedAt is how many requests of both sides together close a stratum, each having at least one.
const closedAt = 10

func (s *Stratum) add(d Stratum) {
	s.BadOld += d.BadOld
	s.Old += d.Old
	s.BadNew += d.BadNew
	s.New += d.New
}

func (s Stratum) closes() bool { return s.Old > 0 && s.New > 0 && s.Old+s.New >= closedAt }

// thinned draws as many requests of the busier side as the other had, and gives the slow ones of both. The same seed
// gives the same draw.
func (s Stratum) thinned(seed uint64) (old, new int) {
	random := rand.New(rand.NewPCG(seed, 0x6a756467))
	most := min(s.Old, s.New)
	return draw(random, s.Old, s.BadOld, most), draw(random, s.New, s.BadNew, most)
}

// draw takes most of n requests, bad of which are bad, and gives how many of the taken are: a hypergeometric draw by
// inversion, from the likeliest count outwards.
func draw(random *rand.Rand, n, bad, most int) int {
	if most == n || bad == 0 || bad == n {
		return min(bad, most)
	}
	t := table{old: float64(n - most), new: float64(most), bad: float64(bad)}
	least, top := t.bounds()
	up := t.mode(1)
	down, left := up, random.Float64()
	chanceUp := math.Exp(t.logChance(up))
	chanceDown := chanceUp
	for left -= chanceUp; left > 0 && (up < top || down > least); {
		if up < top {
			chanceUp *= t.ratio(up)
			up++
			if left -= chanceUp; left <= 0 {
				return int(up)
			}
		}
		if down > least {
			down--
			chanceDown /= t.ratio(down)
			if left -= chanceDown; left <= 0 {
				return int(down)
			}
		}
		if chanceUp+chanceDown < 1e-18 { // what is left is rounding
			break
		}
	}
	return int(t.mode(1))
}
