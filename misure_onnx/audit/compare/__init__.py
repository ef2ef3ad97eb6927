"""Two models on one data set: do they find the same, and do they look at the same to find it?"""
