"""What the methods that optimise a mask share: optimisers and regularisers in numpy, so that none needs torch."""
